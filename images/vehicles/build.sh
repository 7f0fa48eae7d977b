#!/bin/sh
# build.sh PROGRAM VERSION OUT.tar: the vehicles image: the program, the libraries that it loads, and nothing else.
set -eu
program=$(readlink -f "$1") version=$2 out=$3
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
"$here/../closure.sh" "" "$root" "$program"
mv "$root$program" "$root/vehicles"
strip "$root/vehicles"
top=$(printf %s "$program" | cut -d/ -f2)
rm -rf "${root:?}/$top"
mkdir -p "$root/data" "$root/tmp" "$root/etc"
chown 10001:10001 "$root/data"
chmod 0750 "$root/data"
chmod 1777 "$root/tmp"
printf 'root:x:0:0:root:/:/sbin/nologin\nvehicles:x:10001:10001:vehicles:/data:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\nvehicles:x:10001:\n' >"$root/etc/group"
"$here/../oci-archive.sh" "$root" "vehicles:$version" "$out" "$(sed "s/@VERSION@/$version/" "$here/image.json")"
