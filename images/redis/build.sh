#!/bin/sh
# build.sh OUT.tar: redis:7 from Debian's packages, fetched from this machine's own package sources. It behaves as the
# official image: the same entry point, /data as its working folder and volume, uid 999.
set -eu
out=$1
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$here/../debian-tree.sh" "$work/tree.tar" redis-server,busybox-static
mkdir "$work/tree" "$work/root"
tar -C "$work/tree" -xf "$work/tree.tar"
tree=$work/tree root=$work/root

# In Debian the server is a link to redis-check-rdb: one program that goes by its name.
mkdir -p "$root/usr/local/bin" "$root/bin" "$root/etc" "$root/tmp" "$root/data"
"$here/../closure.sh" "$tree" "$root" /usr/bin/redis-check-rdb /usr/bin/redis-cli
mv "$root/usr/bin/redis-check-rdb" "$root/usr/local/bin/redis-server"
mv "$root/usr/bin/redis-cli" "$root/usr/local/bin/redis-cli"
cp "$tree/bin/busybox" "$root/bin/busybox"
for applet in $(busybox --list); do [ -e "$root/bin/$applet" ] || ln -s /bin/busybox "$root/bin/$applet"; done
install -m 755 "$here/entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
printf 'root:x:0:0:root:/root:/bin/sh\nredis:x:999:999:Redis:/data:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nredis:x:999:\n' >"$root/etc/group"
chmod 1777 "$root/tmp"
chown 999:999 "$root/data"

"$here/../oci-archive.sh" "$root" redis:7 "$out" '{"Entrypoint": ["docker-entrypoint.sh"], "Cmd": ["redis-server"],
 "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "WorkingDir": "/data", "ExposedPorts": {"6379/tcp": {}}, "Volumes": {"/data": {}}}'
