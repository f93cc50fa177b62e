'use strict';
// Finds or fetches libtorch, then builds the addon against it.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '..');
const cache = process.env.LIBTORCH_RESNET_CACHE ?? path.join(os.homedir(), '.cache', 'libtorch-resnet');

const REQUIREMENTS = `torch==2.15.0 --hash=sha256:6d8c86f4e33a9f12a58149bd9b0d64351632b8eb44479be8ff85e5389932dd79
nvidia-cuda-runtime==13.2.86 --hash=sha256:3498247680dfddce31bad102af7e3e26fc795342a3cac64722bb0fa95e7f60f0
nvidia-cuda-cupti==13.2.86 --hash=sha256:8fa29f15dd8336181f961764d9d95236fc6b931dd0c8fcf8cd70aab0c310b586
`;

const UNPACK = `
import glob, re, sys, zipfile
wanted = re.compile(r'torch/include/|torch/lib/(libtorch_cpu|libc10)\\.so$|torch/lib/libgomp|nvidia/cu13/lib/lib(cudart|cupti)\\.so')
for wheel in glob.glob(sys.argv[1] + '/*.whl'):
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if wanted.match(name): archive.extract(name, sys.argv[2])
`;

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (status === 0) return;
  console.error(`libtorch-resnet: ${command} failed${error ? `: ${error.message}` : ''}`);
  process.exit(1);
}

function libtorch() {
  if (process.env.LIBTORCH) return process.env.LIBTORCH;
  const place = path.join(cache, 'libtorch-2.15.0-cpu-linux-x64');
  if (!fs.existsSync(place)) {
    fs.mkdirSync(cache, { recursive: true });
    const work = fs.mkdtempSync(path.join(cache, '.tmp-'));
    fs.writeFileSync(path.join(work, 'requirements.txt'), REQUIREMENTS);
    const wheels = path.join(work, 'wheels');
    const platforms = ['manylinux_2_28_x86_64', 'manylinux_2_25_x86_64', 'manylinux2014_x86_64'];
    run('python3', [
      ...['-m', 'pip', 'download', '--no-deps', '--require-hashes', '--only-binary=:all:', '--implementation', 'cp'],
      ...['--python-version', '3.12', '--abi', 'cp312', '--abi', 'none'],
      ...platforms.flatMap((platform) => ['--platform', platform]),
      ...['-r', path.join(work, 'requirements.txt'), '-d', wheels],
    ]);
    run('python3', ['-c', UNPACK, wheels, path.join(work, 'unpacked')]);
    fs.renameSync(path.join(work, 'unpacked'), place);
    fs.rmSync(work, { recursive: true });
  }
  return path.join(place, 'torch');
}

if (process.env.LIBTORCH_RESNET_SKIP_INSTALL === '1') {
  console.log('libtorch-resnet: install postponed (LIBTORCH_RESNET_SKIP_INSTALL=1)');
} else {
  const developer = fs.existsSync(path.join(root, 'test'));
  run(process.execPath, [
    require.resolve('cmake-js/bin/cmake-js'),
    'compile',
    `--CDLIBTORCH_DIR=${libtorch()}`,
    `--CDNODE_ADDON_API_DIR=${path.dirname(require.resolve('node-addon-api/package.json'))}`,
    `--CDRESNET_WERROR=${developer ? 'ON' : 'OFF'}`,
  ]);
}
