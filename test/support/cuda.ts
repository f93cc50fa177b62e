import { cudaStatus } from '../../lib/index';

export const { available, reason } = cudaStatus();

/** On a machine that must have a GPU, its absence is a failure and not a reason to skip. */
const required = process.env.REQUIRE_CUDA === '1';

/** A `describe` of tests that need a GPU: skipped, and counted so, where there is none. */
export function describeCuda(name: string, tests: () => void): void {
  if (!available && !required) {
    describe.skip(name, tests);
    return;
  }
  describe(name, () => {
    beforeAll(() => {
      if (!available) throw new Error(`REQUIRE_CUDA=1, but ${reason}`);
    });
    tests();
  });
}
