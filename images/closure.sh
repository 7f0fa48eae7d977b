#!/bin/sh
# closure.sh TREE DEST PROGRAM...: copies programs and every shared library that they load from the Debian tree TREE
# into DEST, at the same places. Programs that are no ELF files are copied alone.
set -eu
tree=$1 dest=$2
shift 2
copy() {
    [ -e "$dest$1" ] && return
    mkdir -p "$dest$(dirname "$1")"
    cp -aL "$tree$1" "$dest$1"
}
for program in "$@"; do
    copy "$program"
    chroot "${tree:-/}" /lib64/ld-linux-x86-64.so.2 --list "$program" 2>/dev/null |
        sed -n 's/^.*=> \(\/[^ ]*\) .*$/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*$/\1/p' |
        while read -r library; do copy "$library"; done
done
