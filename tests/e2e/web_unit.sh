#!/bin/sh
# The unit tests of the pages' pure parts. Skipped, with its reason, where their packages are not installed.
cd "$(dirname "$0")/../../web" || exit 1
if [ ! -d node_modules/vitest ]; then
    echo "skipped: vitest is not installed: run \`make web\`"
    exit 77
fi
exec npm test --silent
