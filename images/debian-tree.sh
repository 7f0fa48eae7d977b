#!/bin/sh
# debian-tree.sh TREE.tar PACKAGES: unpacks Debian 12 packages (a,b,c) and what they depend on into an archive, from this
# machine's own package sources, by whichever names they stand in /etc/apt. Those of other packagers are left out.
set -eu
out=$1 packages=$2

set --
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    # deb [options] ADDRESS bookworm main ...
    ! grep -qsE '^[[:space:]]*deb[[:space:]].*[[:space:]]bookworm[[:space:]](.*[[:space:]])?main([[:space:]]|$)' "$file" || set -- "$@" "$file"
done
for file in /etc/apt/sources.list.d/*.sources; do
    ! grep -qsiE '^suites:(.*[[:space:]])?bookworm([[:space:]]|$)' "$file" ||
        ! grep -qiE '^components:(.*[[:space:]])?main([[:space:]]|$)' "$file" || set -- "$@" "$file"
done
if [ $# = 0 ]; then
    echo "images: no source of Debian 12 (bookworm main) stands in /etc/apt, and images are made from its packages" >&2
    exit 1
fi
mmdebstrap --quiet --variant=extract --include="$packages" bookworm "$out" "$@"
