#!/bin/sh
# Starts Redis as the official image does: flags or a .conf alone mean redis-server; root steps down to redis. Without
# a configuration there is no protected mode: in a container the network says who may come.
set -eu
as() { # as USER WORD...: busybox's su would take the words' own options for its own, so they go as one quoted command
    user=$1 command=
    shift
    for word in "$@"; do command="$command '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done
    exec su -m -s /bin/sh "$user" -c "exec$command"
}
case ${1:-} in -* | *.conf | '') set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ]; then
    if [ "$(id -u)" = 0 ]; then
        chown -R redis:redis . 2>/dev/null || true
        as redis "$0" "$@"
    fi
    case " $* " in *.conf\ * | *protected-mode*) ;; *) set -- "$@" --protected-mode no ;; esac
fi
exec "$@"
