import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus } from 'node:os';

const require = createRequire(import.meta.url);

/** What was measured on and with: a figure without it means nothing. */
export function machine() {
  const flags = process.platform === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const has = ['avx2', 'avx512f', 'avx512_bf16', 'avx512_vnni', 'amx_int8'].filter((flag) => flags.includes(flag));
  const version = (name) => JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')).version;
  return {
    processor: `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores (${has.join(', ')})`,
    node: process.version,
    versions: {
      'libtorch-resnet': require('../../package.json').version,
      'onnxruntime-node': require('onnxruntime-node/package.json').version,
      '@tensorflow/tfjs': version('@tensorflow/tfjs'),
    },
    date: new Date().toISOString().slice(0, 10),
  };
}
