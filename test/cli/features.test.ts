import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npyHeader } from '../../lib/cli/npy';
import { decode } from '../../lib/image/decode';
import { checkPreprocess } from '../../lib/image/preprocess';
import { ResNet } from '../../lib/resnet';
import { fixture } from '../image/pictures';
import { temporaryFolder } from '../support/files';
import { root, run, type Ended } from '../support/node';
import { normalized } from '../support/normalize';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const features = (...args: string[]): Promise<Ended> =>
  run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), 'features', ...args]);
const [landscape, small] = ['landscape.jpg', 'small.png'].map(fixture) as [string, string];
const untrained = ['--weights', 'random:1', '--layers', '18'];

type Row = { path: string; features: number[] };
const expected = new Map<string, number[]>();
beforeAll(async () => {
  using net = new ResNet(18, 1000, { seed: 1 });
  for (const path of [landscape, small]) {
    const x = await normalized(await decode(path), checkPreprocess());
    expected.set(path, Array.from((await net.forwardFeatures(x)).data as Float32Array));
  }
  writeFileSync(at('text.jpg'), 'no picture');
});

function expectClose(got: ArrayLike<number>, path: string): void {
  const values = expected.get(path)!;
  expect(got).toHaveLength(512);
  const largest = Math.max(...values);
  expect(Math.max(...values.map((value, i) => Math.abs(value - got[i]!)))).toBeLessThan(1e-5 * largest);
}

test('JSON: path and features of each picture, in order, over several batches', async () => {
  const pictures = Array.from({ length: 10 }, (_, i) => (i % 3 === 0 ? small : landscape));
  const { code, stdout, stderr } = await features(...pictures, ...untrained);
  expect(code).toBe(0);
  expect(stderr).toMatch(/untrained/);
  const rows = JSON.parse(stdout) as Row[];
  expect(rows.map(({ path }) => path)).toEqual(pictures);
  for (const { path, features: row } of rows) expectClose(row, path);
  expect(rows[0]!.features.map(Math.fround)).toEqual(Array.from(Float32Array.from(rows[0]!.features)));
  expect(stdout.split('\n')).toHaveLength(13); // one picture per line
});

test('- is standard input', async () => {
  const command = [join(root, 'dist', 'cli', 'main.js'), 'features', '-', ...untrained];
  const { code, stdout } = await run(process.execPath, command, { input: readFileSync(small) });
  expect(code).toBe(0);
  const [{ path, features: row }] = JSON.parse(stdout) as [Row];
  expect(path).toBe('-');
  expectClose(row, small);
});

test('a folder without pictures', async () => {
  const { code, stdout, stderr } = await features(join(root, 'test', 'fixtures', 'weights'), small, ...untrained);
  expect([code, (JSON.parse(stdout) as Row[]).map(({ path }) => path)]).toEqual([1, [small]]);
  expect(stderr).toMatch(/resnet: a picture must be a folder with pictures in it/);
});

test('npy: one row per picture, NaN for one that cannot be read', async () => {
  const pictures = [small, at('text.jpg'), landscape];
  const { code, stdout, stderr } = await features(...[...pictures, ...untrained, '--format', 'npy', '-o', at('f.npy')]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toContain(
    `resnet: a picture must be a JPEG, PNG, WebP, TIFF, GIF or AVIF picture, but got "${at('text.jpg')}"`,
  );
  const bytes = readFileSync(at('f.npy'));
  const header = npyHeader(3, 512);
  expect(bytes.subarray(0, header.length).equals(header)).toBe(true);
  const values = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + header.length, bytes.byteOffset + bytes.length),
  );
  expect(values).toHaveLength(3 * 512);
  expectClose(values.subarray(0, 512), small);
  expect(values.subarray(512, 1024).every(Number.isNaN)).toBe(true);
  expectClose(values.subarray(1024), landscape);
  expect(readdirSync(folder).sort()).toEqual(['f.npy', 'text.jpg']);
});

test("npy's header, byte for byte as numpy.save writes it", () => {
  const dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 512), }";
  const numpy = `\x93NUMPY\x01\x00\x76\x00${dictionary}${' '.repeat(117 - dictionary.length)}\n`;
  expect(Buffer.from(npyHeader(3, 512)).toString('latin1')).toBe(numpy);
  for (const rows of [0, 10, 10 ** 15, 10 ** 9]) expect(npyHeader(rows, 2048).length % 64).toBe(0);
});

test('JSON: a picture that cannot be read is left out, also in a file', async () => {
  const args = [at('text.jpg'), small, ...untrained, '-o', at('f.json')];
  expect(await features(...args)).toMatchObject({ code: 1, stdout: '' });
  const rows = JSON.parse(readFileSync(at('f.json'), 'utf8')) as Row[];
  expect(rows.map(({ path }) => path)).toEqual([small]);
  expect(await features(at('text.jpg'), ...untrained)).toMatchObject({ code: 1, stdout: '[]\n' });
  const again = await features(...args);
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/there already; --force/)]);
  expect((await features(small, ...untrained, '-o', at('f.json'), '--force')).code).toBe(0);
});

test.each<[string, string[], number, RegExp]>([
  ['no picture', untrained, 2, /picture/],
  ['no weights', [small], 2, /features needs weights: --weights FILE/],
  ['another format', [small, ...untrained, '--format', 'csv'], 2, /json, npy/],
  ['a missing folder', [small, ...untrained, '-o', at('no/x.json')], 1, /Cannot write .*x\.json/],
  ['missing weights', [small, '--weights', at('none.safetensors')], 1, /none\.safetensors/],
])('%s', async (_, args, expectedCode, message) => {
  const { code, stdout, stderr } = await features(...args);
  expect({ code, stdout, stderr }).toEqual({ code: expectedCode, stdout: '', stderr: expect.stringMatching(message) });
});
