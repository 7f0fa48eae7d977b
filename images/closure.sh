#!/bin/sh
# closure.sh TREE DEST PROGRAM...: copies programs and every shared library that they load from the Debian tree TREE
# into DEST, at the same places, and libpq where they load it at run time (kit/db/libpq.h). Programs that are no ELF files are
# copied alone.
set -eu
tree=$1 dest=$2
shift 2
copy() {
    [ -e "$dest$1" ] && return
    mkdir -p "$dest$(dirname "$1")"
    cp -aL "$tree$1" "$dest$1"
}
closure() { # closure FILE: it and what it is linked with
    program=$1
    copy "$program"
    chroot "${tree:-/}" /lib64/ld-linux-x86-64.so.2 --list "$program" 2>/dev/null |
        sed -n 's/^.*=> \(\/[^ ]*\) .*$/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (.*$/\1/p' |
        while read -r library; do copy "$library"; done
}
for program in "$@"; do
    closure "$program"
    ! grep -qs libpq.so.5 "$tree$program" || [ -n "$tree" ] || closure "$(/sbin/ldconfig -p | sed -n 's/.*libpq.so.5 .*=> //p' | head -1)"
done
