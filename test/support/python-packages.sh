#!/usr/bin/env bash
# python-packages.sh NAME FOLDER MODULES: puts what FOLDER/requirements.txt lists into the cache, once for each list and
# Python, tries to import MODULES, and prints the place: PYTHONPATH needs it.
set -euo pipefail
. "$(dirname "$0")/cached.sh"
name=$1 requirements=$2/requirements.txt modules=$3

make() {
  TMPDIR=$1 python3 -m pip install --quiet --no-deps --no-cache-dir --only-binary=:all: \
    --disable-pip-version-check --root-user-action=ignore -r "$requirements" --target "$1/made"
  PYTHONPATH=$1/made python3 -c "import $modules"
}

key=$( (cat "$requirements"; python3 -c 'import sys; print(sys.version_info[:2], sys.platform)') | sha256sum)
cached "$name" "$key" make
