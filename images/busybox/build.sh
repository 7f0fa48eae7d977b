#!/bin/sh
# build.sh OUT.tar: busybox:1.36 from Debian's busybox-static, with a link in /bin for each of its programs.
set -eu
out=$1
here=$(dirname "$(readlink -f "$0")")
program=$(command -v busybox) || { echo "busybox is missing: apt-get install busybox-static" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/bin" "$root/etc" "$root/tmp" "$root/root" "$root/home" "$root/var/www" "$root/usr"
chmod 1777 "$root/tmp"
chmod 0700 "$root/root"
cp "$program" "$root/bin/busybox"
chmod 0755 "$root/bin/busybox"
for applet in $("$program" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done
ln -s ../bin "$root/usr/bin"
ln -s bin "$root/sbin"
printf 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n' >"$root/etc/group"
"$here/../oci-archive.sh" "$root" busybox:1.36 "$out" \
    '{"Cmd": ["sh"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}'
