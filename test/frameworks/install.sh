#!/usr/bin/env bash
# Puts PyTorch and PaddlePaddle into the cache, once for each list of requirements and Python, and prints the folder:
# its place is what PYTHONPATH needs. Two gigabytes to download and five on the disk, for tests alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${LIBTORCH_RESNET_CACHE:-$HOME/.cache/libtorch-resnet}
key=$( (cat "$here/requirements.txt"; python3 -c 'import sys; print(sys.version_info[:2], sys.platform)') | sha256sum)
place=$cache/frameworks-${key:0:12}
if [ ! -d "$place" ]; then
  mkdir -p "$cache"
  # Named as the install script names its own work in progress, which it clears away after a kill.
  work=$(mktemp -d "$cache/.tmp-$$@$(hostname)-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  TMPDIR=$work python3 -m pip install --quiet --no-deps --no-cache-dir --only-binary=:all: \
    --disable-pip-version-check --root-user-action=ignore -r "$here/requirements.txt" --target "$work/packages" >&2
  PYTHONPATH=$work/packages python3 -c 'import torch, paddle' >&2
  mv -T "$work/packages" "$place" || [ -d "$place" ] # another run was faster
  find "$cache" -maxdepth 1 -name 'frameworks-*' ! -path "$place" -exec rm -rf {} +
fi
echo "$place"
