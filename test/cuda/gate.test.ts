import { join } from 'node:path';
import { available, reason } from '../support/cuda';
import { root, run, type Ended } from '../support/node';

const config = require('../../jest.config.js') as Record<string, unknown>;

/** Runs one file of this folder in a jest of its own, without compiling dist/ under the other tests' feet. */
function jest(file: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  const alone = { ...config, rootDir: root, globalSetup: undefined };
  const args = [join(root, 'node_modules', 'jest', 'bin', 'jest.js'), '--config', JSON.stringify(alone), file];
  return run(process.execPath, args, { env: { ...env, FORCE_COLOR: '0' } });
}

(available ? describe.skip : describe)('without a GPU', () => {
  const file = 'test/cuda/state.test.ts';

  test('tests that need one are counted as skipped', async () => {
    const { stdout, stderr } = await jest(file, { REQUIRE_CUDA: '' });
    expect(stdout).toMatch(/\n0 passed, 0 failed, 5 skipped\n$/);
    expect(stderr).not.toContain('REQUIRE_CUDA');
  });

  test('REQUIRE_CUDA=1 makes each a failure that says why', async () => {
    const { code, stdout, stderr } = await jest(file, { REQUIRE_CUDA: '1' });
    expect(code).toBe(1);
    expect(stdout).toMatch(/\n0 passed, 5 failed, 0 skipped\n$/);
    expect(stderr).toContain(`REQUIRE_CUDA=1, but ${reason}`);
  });
});
