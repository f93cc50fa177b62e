#!/usr/bin/env bash
# PyTorch and PaddlePaddle in the cache: two gigabytes to download and five on the disk, for tests alone.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../support/python-packages.sh" frameworks "$here" 'torch, paddle'
