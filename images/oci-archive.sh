#!/bin/sh
# oci-archive.sh ROOT NAME:TAG OUT.tar CONFIG: packs the folder ROOT as an OCI image archive with one layer (gzip). CONFIG is
# the image's "config" as JSON ({"Entrypoint": [...], "Cmd": [...], "Env": [...], "User": "..."}). The same folder gives
# the same archive, byte by byte. Owners and modes are those of the files.
set -eu
[ $# -eq 4 ] || { echo "usage: $0 ROOT NAME:TAG OUT.tar CONFIG" >&2; exit 2; }
root=$1 name=$2 out=$3 config=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
blobs=$work/archive/blobs/sha256
mkdir -p "$blobs"

pack() { # FOLDER: a tar archive whose bytes depend on nothing but the folder's content
    tar --create --format=gnu --sort=name --mtime=@0 --numeric-owner --directory "$1" .
}
keep() { # FILE: moves it to where its digest says; prints the digest
    digest=$(sha256sum "$1" | cut -d' ' -f1)
    mv "$1" "$blobs/$digest"
    printf %s "$digest"
}
size() { stat -c %s "$blobs/$1"; }
case $(uname -m) in aarch64) arch=arm64 ;; *) arch=amd64 ;; esac

pack "$root" >"$work/layer"
content=$(sha256sum "$work/layer" | cut -d' ' -f1)
gzip -n -5 "$work/layer"
layer=$(keep "$work/layer.gz")
printf '{"created":"1970-01-01T00:00:00Z","architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created":"1970-01-01T00:00:00Z","comment":"%s"}]}' \
    "$arch" "$config" "$content" "$name" >"$work/config"
image=$(keep "$work/config")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%s}]}' \
    "$image" "$(size "$image")" "$layer" "$(size "$layer")" >"$work/manifest"
manifest=$(keep "$work/manifest")
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"platform":{"architecture":"%s","os":"linux"},"annotations":{"io.containerd.image.name":"%s","org.opencontainers.image.ref.name":"%s"}}]}' \
    "$manifest" "$(size "$manifest")" "$arch" "$name" "$name" >"$work/archive/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$work/archive/oci-layout"
mkdir -p "$(dirname "$out")"
pack "$work/archive" >"$out.new"
mv "$out.new" "$out"
