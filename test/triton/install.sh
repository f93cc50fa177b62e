#!/usr/bin/env bash
# Triton's HTTP client in the cache.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../support/python-packages.sh" triton "$here" 'tritonclient.http, tritonclient.http.aio'
