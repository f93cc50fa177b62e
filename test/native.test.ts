import { spawnSync } from 'node:child_process';
import { root, run } from './support/node';

/** A compiler knows where its headers are. */
function hasGoogleTest(): boolean {
  const { status } = spawnSync(process.env.CXX ?? 'g++', ['-x', 'c++', '-fsyntax-only', '-'], {
    input: '#include <gtest/gtest.h>\n',
  });
  return status === 0;
}

const there = process.env.REQUIRE_GTEST === '1' || hasGoogleTest();

/** Skipped where GoogleTest is missing (Debian: apt install libgtest-dev); REQUIRE_GTEST=1 makes that a failure. */
(there ? test : test.skip)(
  'what of the C++ has no Node in it passes its own tests',
  async () => {
    const { code, stdout, stderr } = await run('npm', ['run', '--silent', 'test:native'], { cwd: root });
    expect({ code, stdout, stderr: code === 0 ? '' : stderr }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/\[ {2}PASSED {2}\] [1-9]\d* tests\./),
      stderr: '',
    });
  },
  600_000,
);
