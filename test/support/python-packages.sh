#!/usr/bin/env bash
# python-packages.sh NAME FOLDER MODULES: puts what FOLDER/requirements.txt lists into the cache, once for each list and
# Python, tries to import MODULES, and prints the place: PYTHONPATH needs it.
set -euo pipefail
name=$1 requirements=$2/requirements.txt modules=$3
cache=${LIBTORCH_RESNET_CACHE:-$HOME/.cache/libtorch-resnet}
key=$( (cat "$requirements"; python3 -c 'import sys; print(sys.version_info[:2], sys.platform)') | sha256sum)
place=$cache/$name-${key:0:12}
if [ ! -d "$place" ]; then
  mkdir -p "$cache"
  # Named as the install script names its own work in progress, which it clears away after a kill.
  work=$(mktemp -d "$cache/.tmp-$$@$(hostname)-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  TMPDIR=$work python3 -m pip install --quiet --no-deps --no-cache-dir --only-binary=:all: \
    --disable-pip-version-check --root-user-action=ignore -r "$requirements" --target "$work/packages" >&2
  PYTHONPATH=$work/packages python3 -c "import $modules" >&2
  mv -T "$work/packages" "$place" || [ -d "$place" ] # another run was faster
  find "$cache" -maxdepth 1 -name "$name-*" ! -path "$place" -exec rm -rf {} +
fi
echo "$place"
