#!/usr/bin/env bash
# The schemas of Kubernetes (of PyPI's kubernetes-validate) and of KServe (of its Go module) in the cache; prints the place.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../support/cached.sh"
module=github.com/kserve/kserve@v0.16.0
sum=h1:kDkcAU5VMiZf4zhdDXH+UdAIgzXhs10GMv0d9r4qvTs=

make() {
  TMPDIR=$1 python3 -m pip download --quiet --no-deps --no-cache-dir --only-binary=:all: --require-hashes \
    --disable-pip-version-check -r "$here/requirements.txt" -d "$1/wheels"
  python3 - "$1" <<'PYTHON'
import glob
import os
import re
import sys
import zipfile

work, = sys.argv[1:]
with zipfile.ZipFile(glob.glob(f'{work}/wheels/*.whl')[0]) as wheel:
    for name in wheel.namelist():
        found = re.search(r'/(v1\.(?:30|37)\.0)-local-strict/([\w.-]+\.json)$', name)
        if found:
            os.makedirs(f'{work}/made/{found[1]}', exist_ok=True)
            with open(f'{work}/made/{found[1]}/{found[2]}', 'wb') as target:
                target.write(wheel.read(name))
PYTHON
  cd "$1"
  downloaded=$(GOMODCACHE=$1/go GOFLAGS=-modcacherw GOTOOLCHAIN=local go mod download -json "$module")
  [[ "$downloaded" == *"\"Sum\": \"$sum\""* ]] || { echo "$module is not the one with the hash $sum" >&2; exit 1; }
  mkdir -p made/kserve
  cp go/"$module"/config/crd/full/serving.kserve.io_{servingruntimes,inferenceservices}.yaml made/kserve/
}

key=$(cat "$0" "$here/requirements.txt" | sha256sum)
cached schemas "$key" make
