import { join } from 'node:path';
import { folder, install, removeFolders, write } from './support';

const { checkNode } = require('../../scripts/node-version');
const { engines } = require('../../package.json') as { engines: { node: string } };

afterAll(removeFolders);

test.each(['20.17.0', '20.18.0', '20.17.1', '22.0.0', '100.0.0'])('Node %s satisfies >=20.17', (version) => {
  checkNode(version, '>=20.17');
});

test.each(['20.16.9', '18.20.4', '6.17.1'])('Node %s is too old for >=20.17', (version) => {
  expect(() => checkNode(version, '>=20.17')).toThrow(`Node ${version} (${process.execPath}) is too old: >=20.17`);
});

test("package.json's engines have the form that the check expects", () => {
  expect(engines.node).toMatch(/^>=\d+\.\d+$/);
});

test('the install fails with an old Node before doing anything else', async () => {
  const old = join(folder(), 'old.js');
  write(old, `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });`);
  const { code, stdout, stderr } = await install({}, { NODE_OPTIONS: `--require=${old}` });
  expect(stderr).toMatch(/^libtorch-resnet: Node 18\.20\.4 .* is too old: >=20\.17 is needed\.\nWhat to do: .*\n$/);
  expect(stdout).toBe('');
  expect(code).toBe(1);
});
