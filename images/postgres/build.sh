#!/bin/sh
# build.sh OUT.tar: postgres:15 from Debian's packages, fetched from this machine's own package sources.
set -eu
out=$1
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$here/../debian-tree.sh" "$work/tree.tar" postgresql-15,busybox-static
mkdir "$work/tree" "$work/root"
tar -C "$work/tree" -xf "$work/tree.tar"
tree=$work/tree root=$work/root bin=/usr/lib/postgresql/15/bin

"$here/../closure.sh" "$tree" "$root" $bin/postgres $bin/initdb $bin/pg_ctl $bin/psql $bin/pg_isready $bin/pg_dump \
    $bin/pg_restore $bin/createdb $bin/createuser
# What the server loads at run time: its own modules (without the JIT, whose LLVM is larger than all the rest).
mkdir -p "$root/usr/lib/postgresql/15/lib" "$root/usr/share/postgresql"
cp -a "$tree/usr/lib/postgresql/15/lib/." "$root/usr/lib/postgresql/15/lib/"
rm -rf "$root/usr/lib/postgresql/15/lib/bitcode" "$root"/usr/lib/postgresql/15/lib/llvmjit*
cp -a "$tree/usr/share/postgresql/15" "$root/usr/share/postgresql/15"
rm -rf "$root/usr/share/postgresql/15/man"
mkdir -p "$root/usr/lib/locale" "$root/usr/share"
cp -a "$tree/usr/lib/locale/C.utf8" "$root/usr/lib/locale/"
[ ! -d "$tree/usr/share/zoneinfo" ] || cp -a "$tree/usr/share/zoneinfo" "$root/usr/share/"

mkdir -p "$root/bin" "$root/usr/bin" "$root/etc" "$root/tmp" "$root/var/run/postgresql" "$root/var/lib/postgresql/data" \
    "$root/docker-entrypoint-initdb.d" "$root/usr/local/bin"
cp "$tree/bin/busybox" "$root/bin/busybox"
for applet in $(busybox --list); do [ -e "$root/bin/$applet" ] || ln -s /bin/busybox "$root/bin/$applet"; done
for program in "$root$bin"/*; do ln -s "$bin/$(basename "$program")" "$root/usr/bin/$(basename "$program")"; done
install -m 755 "$here/entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
printf 'root:x:0:0:root:/root:/bin/sh\npostgres:x:999:999:PostgreSQL:/var/lib/postgresql:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\npostgres:x:999:\n' >"$root/etc/group"
printf 'jit = off\nlisten_addresses = %s\n' "'*'" >>"$root/usr/share/postgresql/15/postgresql.conf.sample"
chmod 1777 "$root/tmp"
chmod 3777 "$root/var/run/postgresql"
chown -R 999:999 "$root/var/lib/postgresql" "$root/var/run/postgresql"

"$here/../oci-archive.sh" "$root" postgres:15 "$out" "$(cat <<'JSON'
{"Entrypoint": ["docker-entrypoint.sh"], "Cmd": ["postgres"], "StopSignal": "SIGINT",
 "Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/lib/postgresql/15/bin", "PGDATA=/var/lib/postgresql/data", "LANG=C.UTF-8", "PG_MAJOR=15"],
 "ExposedPorts": {"5432/tcp": {}}, "Volumes": {"/var/lib/postgresql/data": {}}}
JSON
)"
