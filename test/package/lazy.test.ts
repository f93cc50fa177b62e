import { join } from 'node:path';
import { root, run } from '../support/node';

const entry = join(root, 'dist', 'index.js');
const client = join(root, 'dist', 'client', 'index.js');
const esmEntry = join(root, 'dist', 'esm.mjs');

/** What comes after `load`: the first packages of others that are loaded by then. */
const list = `
  const foreign = Object.keys(require.cache).filter((file) => file.includes('node_modules'));
  console.log(JSON.stringify(foreign.slice(0, 5)));
`;

test.each([
  ['require', ['-e', `require(${JSON.stringify(entry)}); ${list}`]],
  [
    'import',
    [
      '--input-type=module',
      '-e',
      `import { createRequire } from 'node:module';
       import ${JSON.stringify(esmEntry)};
       const require = createRequire(${JSON.stringify(entry)}); ${list}`,
    ],
  ],
  [
    'use of a network',
    [
      '-e',
      `const { ResNet, Tensor } = require(${JSON.stringify(entry)});
       new ResNet(18, 10).forwardSync(new Tensor(new Float32Array(3), [1, 3, 1, 1])); ${list}`,
    ],
  ],
  ['require of the client, beside that', ['-e', `require(${JSON.stringify(client)}); ${list}`]],
])('%s of the main entry loads no dependency, neither sharp nor a server', async (_name, args) => {
  expect(await run(process.execPath, args)).toEqual({ code: 0, signal: null, stdout: '[]\n', stderr: '' });
});
