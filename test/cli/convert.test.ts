import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ResNet } from '../../lib/resnet';
import { openWeights } from '../../lib/weights/formats/open';
import { temporaryFolder } from '../support/files';
import { root, run, type Ended } from '../support/node';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, `${name}.safetensors`);
const convert = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'convert', ...args]);

beforeAll(async () => {
  using net = new ResNet(18, 3, { seed: 1 });
  await net.save(at('net'));
});

test('there and back: prints what it did, and the bytes are the same', async () => {
  expect(await convert(at('net'), at('hf'), '--naming', 'huggingface')).toMatchObject({
    code: 0,
    stdout: `${at('hf')}: ResNet-18, 3 classes, 122 tensors, torchvision -> huggingface\n`,
    stderr: '',
  });
  expect((await convert(at('hf'), at('back'))).code).toBe(0);
  expect(readFileSync(at('back')).equals(readFileSync(at('net')))).toBe(true);
});

test('without an addon', async () => {
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  for (const name of ['dist', 'package.json']) cpSync(join(root, name), join(bare, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(bare, 'node_modules'));
  const main = join(bare, 'dist', 'cli', 'main.js');
  const ended = await run(process.execPath, [main, 'convert', at('net'), at('bare'), '--naming', 'article']);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect((await run(process.execPath, [main, 'params', '18'])).stderr).toContain('native addon is not built');
});

test('--dtype and --metadata, which may hold an equals sign', async () => {
  const { code, stdout } = await convert(
    ...[at('net'), at('half'), '--dtype', 'float16', '--metadata', 'note=a=b', '--metadata', 'more='],
  );
  expect([code, stdout]).toEqual([0, `${at('half')}: ResNet-18, 3 classes, 122 tensors, torchvision, float16\n`]);
  const { metadata, entries } = await openWeights(at('half'));
  expect(metadata).toEqual({ format: 'pt', note: 'a=b', more: '' });
  expect(entries.find(({ name }) => name === 'fc.weight')?.dtype).toBe('float16');
});

test('--force replaces an existing file', async () => {
  const before = readFileSync(at('net'));
  expect(await convert(at('net'), at('net'))).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') });
  expect(readFileSync(at('net')).equals(before)).toBe(true);
  expect((await convert(at('net'), at('net'), '--force', '--naming', 'article')).code).toBe(0);
  expect((await convert(at('net'), at('net'), '--force')).code).toBe(0);
  expect(readFileSync(at('net')).equals(before)).toBe(true);
});

test.each<[string, string[], number, RegExp]>([
  ['no output', [at('net')], 2, /out/],
  ['another format', [at('net'), join(folder, 'x.pth')], 2, /ends in \.safetensors/],
  ['a naming that is not written', [at('net'), at('x'), '--naming', 'paddle'], 2, /torchvision/],
  ['an unknown dtype', [at('net'), at('x'), '--dtype', 'int8'], 2, /float32/],
  ['metadata without a value', [at('net'), at('x'), '--metadata', 'note'], 2, /KEY=VALUE/],
  ['no input', [at('none'), at('x')], 1, /Cannot read .*none/],
])('%s', async (_, args, expected, message) => {
  const { code, stdout, stderr } = await convert(...args);
  expect({ code, stdout, stderr }).toEqual({ code: expected, stdout: '', stderr: expect.stringMatching(message) });
});
