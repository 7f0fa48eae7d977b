#!/bin/sh
# build.sh PROGRAM VERSION OUT.tar DOCS [PAGES]: the image of one service: the program, the libraries that it loads, the
# page that shows its interface (the folder DOCS), its web pages (the folder PAGES) where it has some, and nothing else.
set -eu
program=$(readlink -f "$1") version=$2 out=$3 docs=$4 pages=${5:-}
here=$(dirname "$(readlink -f "$0")")
name=$(basename "$program")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

root=$work/root
"$here/../closure.sh" "" "$root" "$program"
mv "$root$program" "$root/$name"
strip "$root/$name"
rmdir -p --ignore-fail-on-non-empty "$root$(dirname "$program")"
mkdir -p "$root/data" "$root/tmp" "$root/etc/ssl/certs"
[ ! -d "$docs" ] || cp -r "$docs" "$root/docs"
[ -z "$pages" ] || cp -r "$pages" "$root/pages"
# Whom HTTPS and SMTP servers are believed by.
[ ! -s /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
chown 10001:10001 "$root/data"
chmod 0750 "$root/data"
chmod 1777 "$root/tmp"
printf 'root:x:0:0:root:/:/sbin/nologin\n%s:x:10001:10001:%s:/data:/sbin/nologin\n' "$name" "$name" >"$root/etc/passwd"
printf 'root:x:0:\n%s:x:10001:\n' "$name" >"$root/etc/group"
"$here/../oci-archive.sh" "$root" "$name:$version" "$out" \
    "{\"Entrypoint\": [\"/$name\"], \"User\": \"10001:10001\", \"WorkingDir\": \"/data\",
 \"Env\": [\"PORT=8080\", \"DOCS_PAGES=/docs\", \"APP_VERSION=$version\"], \"ExposedPorts\": {\"8080/tcp\": {}}, \"Volumes\": {\"/data\": {}}}"
