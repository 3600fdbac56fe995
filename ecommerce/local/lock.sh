#!/bin/sh
# Writes the locks anew from pyproject.toml; what is locked already stays unless UPGRADE=1.
set -e
cd "$(dirname "$0")/../.."
uv=.venv/bin/uv
flags="--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --quiet --custom-compile-command"
upgrade=${UPGRADE:+--upgrade}
$uv pip compile $flags "make lock" $upgrade --group dev pyproject.toml -o requirements.txt
printf 'uv\nsetuptools\nwheel\n' | $uv pip compile $flags "make lock" $upgrade -c requirements.txt - -o requirements-build.txt
if grep -nE '://|^-|file:' requirements.txt requirements-build.txt; then
    echo "error: a lock names a place of this machine" >&2
    exit 1
fi
