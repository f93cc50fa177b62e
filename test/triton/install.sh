#!/usr/bin/env bash
# Puts Triton's HTTP client into the cache, once for each list of requirements and Python, and prints the folder: its
# place is what PYTHONPATH needs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${LIBTORCH_RESNET_CACHE:-$HOME/.cache/libtorch-resnet}
key=$( (cat "$here/requirements.txt"; python3 -c 'import sys; print(sys.version_info[:2], sys.platform)') | sha256sum)
place=$cache/triton-${key:0:12}
if [ ! -d "$place" ]; then
  mkdir -p "$cache"
  # Named as the install script names its own work in progress, which it clears away after a kill.
  work=$(mktemp -d "$cache/.tmp-$$@$(hostname)-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  TMPDIR=$work python3 -m pip install --quiet --no-deps --no-cache-dir --only-binary=:all: \
    --disable-pip-version-check --root-user-action=ignore -r "$here/requirements.txt" --target "$work/packages" >&2
  PYTHONPATH=$work/packages python3 -c 'import tritonclient.http, tritonclient.http.aio' >&2
  mv -T "$work/packages" "$place" || [ -d "$place" ] # another run was faster
  find "$cache" -maxdepth 1 -name 'triton-*' ! -path "$place" -exec rm -rf {} +
fi
echo "$place"
