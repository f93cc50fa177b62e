import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/node';
import type { Lock } from './support';

const { LOCK, lockedFiles, platformTags, requirements } = require('../../scripts/libtorch/lock');
const text = readFileSync(join(root, 'scripts/libtorch.lock.json'), 'utf8');
const lock = LOCK as Lock;

// Computed from the downloaded wheels, before the lock was made.
const KNOWN = {
  'linux-x64': {
    torch: '6d8c86f4e33a9f12a58149bd9b0d64351632b8eb44479be8ff85e5389932dd79',
    'nvidia-cuda-runtime': '3498247680dfddce31bad102af7e3e26fc795342a3cac64722bb0fa95e7f60f0',
    'nvidia-cuda-cupti': '8fa29f15dd8336181f961764d9d95236fc6b931dd0c8fcf8cd70aab0c310b586',
  },
  'linux-arm64': { torch: '9e51cf9460c5441dcd2a4f31ece207e35ea7c3d2535be0f929cca4944e2eeb18' },
  'darwin-arm64': { torch: '593e5fd0c204284890d1c3dff643be34e549e1d24523e13402510f960d4da438' },
};

test('lists every platform, with the known hashes', () => {
  expect(lock.version).toBe('2.15.0');
  expect(Object.keys(lock.platforms).sort()).toEqual(Object.keys(KNOWN).sort());
  for (const [platform, hashes] of Object.entries(KNOWN)) {
    const ours = Object.fromEntries(lock.platforms[platform]!.map(({ name, sha256 }) => [name, sha256]));
    expect(ours).toMatchObject(hashes);
  }
});

test.each(['linux-x64', 'linux-arm64'])('%s: three files for cpu, all of NVIDIA for cuda', (platform) => {
  const names = (variant: string) => lockedFiles(lock, platform, variant).map(({ name }: { name: string }) => name);
  expect(names('cpu').sort()).toEqual(['nvidia-cuda-cupti', 'nvidia-cuda-runtime', 'torch']);
  const libraries = [
    'cublas',
    'cuda-nvrtc',
    'cudnn-cu13',
    'cufft',
    'cufile',
    'cusolver',
    'cusparse',
    'cusparselt-cu13',
  ];
  const rest = ['nccl-cu13', 'nvjitlink', 'nvshmem-cu13', 'nvtx'];
  expect(names('cuda')).toEqual(expect.arrayContaining([...libraries, ...rest].map((name) => `nvidia-${name}`)));
});

test('every file has a name, a version, a size and a hash, and no URL', () => {
  for (const file of Object.values(lock.platforms).flat()) {
    expect(file).toEqual({
      name: expect.stringMatching(/^[a-z0-9-]+$/),
      version: expect.stringMatching(/^\d/),
      file: expect.stringMatching(/^[\w.-]+\.whl$/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      size: expect.any(Number),
      variants: expect.arrayContaining(['cuda'].filter(() => !file.file.includes('macosx'))),
    });
  }
  expect(text).not.toMatch(/:\/\/|pypi|pythonhosted/);
});

test('pip gets every tag and every hash', () => {
  const files = lockedFiles(lock, 'linux-x64', 'cpu');
  expect(platformTags(files)).toEqual(
    expect.arrayContaining(['manylinux_2_28_x86_64', 'manylinux_2_25_x86_64', 'manylinux2014_x86_64']),
  );
  const lines: string[] = requirements(files).trim().split('\n');
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line).toMatch(/^\S+==\S+ --hash=sha256:[0-9a-f]{64}$/);
});
