'use strict';
/**
 * Writes libtorch.lock.json from the package index's metadata, without downloading a wheel:
 *
 *   node scripts/libtorch/make-lock.js VERSION [PYLOCK …]
 *
 * Run it on Linux: pip answers `platform_system` in the wheel's metadata for the machine it runs on. pip's report has
 * no sizes; they are taken, by hash, from PYLOCK files where given: `uv pip compile --format pylock.toml`, once per
 * platform (--python-platform; for macOS with MACOSX_DEPLOYMENT_TARGET=14.0).
 */
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

// Wheels may support an older glibc than torch's wheel: allow every tag up to torch's.
const glibcTags = (machine) => [
  ...Array.from({ length: 12 }, (_, index) => `manylinux_2_${28 - index}_${machine}`),
  `manylinux2014_${machine}`,
];

const PLATFORMS = {
  'linux-x64': { tags: glibcTags('x86_64'), nvidia: true },
  'linux-arm64': { tags: glibcTags('aarch64'), nvidia: true },
  'darwin-arm64': { tags: ['macosx_14_0_arm64'], nvidia: false },
};

// The torch wheel, and the packages that libtorch_cpu needs besides.
const CPU = ['torch', 'nvidia-cuda-runtime', 'nvidia-cuda-cupti'];

function resolve(version, { tags, nvidia }) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'make-lock-'));
  const report = path.join(work, 'report.json');
  const { status } = spawnSync(
    'python3',
    [
      ...['-m', 'pip', 'install', '--dry-run', '--quiet', '--report', report, '--ignore-installed'],
      ...['--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.12'],
      ...['--abi', 'cp312', '--abi', 'abi3', '--abi', 'none', ...tags.flatMap((tag) => ['--platform', tag])],
      ...['--target', path.join(work, 'target'), ...(nvidia ? [] : ['--no-deps']), `torch==${version}`],
    ],
    { stdio: 'inherit' },
  );
  if (status !== 0) throw new Error('pip could not resolve torch');
  const { install } = JSON.parse(fs.readFileSync(report, 'utf8'));
  fs.rmSync(work, { recursive: true });
  return install;
}

/** Size by hash, from files of PEP 751. */
function sizes(pylocks) {
  const found = new Map();
  for (const pylock of pylocks) {
    const text = fs.readFileSync(pylock, 'utf8');
    for (const [, size, hash] of text.matchAll(/size = (\d+), hashes = \{ sha256 = "([0-9a-f]{64})"/g)) {
      found.set(hash, Number(size));
    }
  }
  return found;
}

function entry({ metadata, download_info: { url, archive_info } }, sizeOf) {
  const name = metadata.name.toLowerCase().replaceAll('_', '-');
  const sha256 = archive_info.hashes.sha256;
  const size = sizeOf.get(sha256);
  return {
    name,
    version: metadata.version,
    file: decodeURIComponent(url.split('/').at(-1)), // only the name, because the user chooses the index
    sha256,
    ...(size === undefined ? {} : { size }),
  };
}

const [version, ...pylocks] = process.argv.slice(2);
const sizeOf = sizes(pylocks);
const platforms = {};
for (const [platform, options] of Object.entries(PLATFORMS)) {
  const files = resolve(version, options)
    .map((item) => entry(item, sizeOf))
    .filter(({ name }) => name === 'torch' || name.startsWith('nvidia-'))
    .sort((a, b) => CPU.includes(b.name) - CPU.includes(a.name) || (a.name < b.name ? -1 : 1));
  platforms[platform] = files.map((file) => ({
    ...file,
    variants: [...(CPU.includes(file.name) ? ['cpu'] : []), ...(options.nvidia ? ['cuda'] : [])],
  }));
}
const lock = { madeBy: 'scripts/libtorch/make-lock.js', version, platforms };
fs.writeFileSync(path.join(__dirname, '..', 'libtorch.lock.json'), `${JSON.stringify(lock, null, 2)}\n`);
