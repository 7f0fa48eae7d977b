#!/bin/sh
# Starts Redis as the official image does: flags or a .conf alone mean redis-server; root steps down to redis. Without
# a configuration there is no protected mode: in a container the network says who may come.
set -eu
case ${1:-} in -* | *.conf | '') set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ]; then
    if [ "$(id -u)" = 0 ]; then
        chown -R redis:redis . 2>/dev/null || true
        exec su -m -s /bin/sh redis -c 'exec "$0" "$@"' "$0" "$@"
    fi
    case " $* " in *.conf\ * | *protected-mode*) ;; *) set -- "$@" --protected-mode no ;; esac
fi
exec "$@"
