import { readFileSync } from 'node:fs';
import type { OptimizedDType } from '../../lib/index';

const flags = process.platform === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : '';

/** What this processor has instructions for, as Linux tells it. */
export const has: Readonly<Record<OptimizedDType, boolean>> = {
  float32: true,
  bfloat16: flags.includes('avx512_bf16'),
  int8: flags.includes('avx512_vnni'),
};

/** Whether our own kernels compute, in any dtype; elsewhere float32 is of libtorch's operators. */
export const hasKernels = ['avx512f', 'avx512bw', 'avx512vl', 'avx512dq'].every((flag) => flags.includes(flag));

/** A `test` that counts as skipped where the processor cannot compute in `dtype`. */
export const testOn = (dtype: OptimizedDType): typeof test => (has[dtype] ? test : test.skip);
