#!/usr/bin/env bash
# schemathesis in the cache.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../support/python-packages.sh" schemathesis "$here" 'schemathesis'
