"""Unpacks wheels: python3 unpack.py WHEELS TARGET PATTERN. Only what PATTERN matches, refusing names that escape."""
import os
import re
import sys
import zipfile

wheels, target, required = sys.argv[1], os.path.realpath(sys.argv[2]), re.compile(sys.argv[3])

for wheel in sorted(os.listdir(wheels)):
    if not wheel.endswith('.whl'):
        continue
    with zipfile.ZipFile(os.path.join(wheels, wheel)) as archive:
        for name in archive.namelist():
            # zipfile would quietly rename such a file; a wheel that has one is not to be trusted at all.
            parts = name.replace('\\', '/').split('/')
            if name.startswith(('/', '\\')) or '..' in parts or ':' in parts[0]:
                sys.exit(f'{wheel} names a file outside its folder: {name}')
        for name in archive.namelist():
            if required.match(name) and not name.endswith('/'):
                archive.extract(name, target)
