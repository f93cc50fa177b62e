import { readFileSync } from 'node:fs';
import type { OptimizedDType } from '../../lib/index';

const flags = process.platform === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '';

/** What this processor has instructions for, as Linux tells it. */
export const has: Readonly<Record<OptimizedDType, boolean>> = {
  float32: true,
  bfloat16: flags.includes('avx512_bf16'),
  int8: flags.includes('avx512_vnni'),
};

/** A `test` that counts as skipped where the processor cannot compute in `dtype`. */
export const testOn = (dtype: OptimizedDType): typeof test => (has[dtype] ? test : test.skip);
