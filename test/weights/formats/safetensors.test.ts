import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { readWeights, ResNetError, Tensor } from '../../../lib/index';
import { saveSafetensors } from '../../../lib/weights/formats/save-safetensors';
import { safetensors, temporaryFolder, written } from '../../support/files';

const folder = temporaryFolder();
const f32 = (begin: number, end: number, shape = [(end - begin) / 4]): object => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

async function refusal(bytes: Uint8Array): Promise<ResNetError> {
  const path = written(folder, 'bad.safetensors', bytes);
  const error = await readWeights(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ResNetError);
  return error as ResNetError;
}

describe('malformed files are rejected with the rule that they break', () => {
  const eight = new Uint8Array(8);
  const cases: [string, Uint8Array, RegExp][] = [
    ['empty', new Uint8Array(), /is 0 bytes long, too short for a header/],
    ['shorter than a length', new Uint8Array(7), /is 7 bytes long/],
    ['a header beyond the limit', safetensors('{}', eight, 100_000_001n), /header of 100000001 bytes, and at most/],
    ['a header length of 2^63', safetensors('{}', eight, 2n ** 63n), /header of 9223372036854775808 bytes/],
    ['a header longer than the file', safetensors('{}', eight, 100n), /header of 100 bytes, which is longer/],
    ['no brace first', safetensors(' {}'), /does not start with \{/],
    ['a list', safetensors('[]'), /does not start with \{/],
    ['no JSON', safetensors('{"a"'), /not JSON/],
    ['no UTF-8', Buffer.concat([safetensors('{', new Uint8Array(), 2n), Buffer.from([0xff])]), /not UTF-8/],
    ['a name twice', safetensors('{"a":{},"a":{}}'), /names "a" twice/],
    ['a name twice, once escaped', safetensors('{"a":{},"\\u0061":{}}'), /names "a" twice/],
    ['a field twice', safetensors('{"a":{"dtype":"F32","dtype":"F16"}}'), /names "dtype" twice/],
    ['metadata that is not a map of strings', safetensors({ __metadata__: { a: 1 } }), /__metadata__/],
    ['a tensor that is not an object', safetensors({ a: [] }), /tensor "a" that is not an object/],
    ['an unknown dtype', safetensors({ a: { dtype: 'F31', shape: [], data_offsets: [0, 0] } }), /dtype "F31"/],
    ['a negative dimension', safetensors({ a: f32(0, 8, [-2]) }, eight), /shape is \[-2\]/],
    ['a fraction', safetensors({ a: f32(0, 8, [1.5]) }, eight), /shape is \[1\.5\]/],
    ['one offset', safetensors({ a: { dtype: 'F32', shape: [], data_offsets: [0] } }), /data_offsets are \[0\]/],
    ['a shape that overflows', safetensors({ a: f32(0, 8, [2 ** 40, 2 ** 40]) }, eight), /overflows/],
    ['an overflow that a 0 hides', safetensors({ a: f32(0, 0, [2 ** 52, 2 ** 52, 0]) }), /overflows/],
    ...['[1.0,2]', '[1e0,2]', '[2,1.00000000000000001]'].map((shape): [string, Buffer, RegExp] => [
      `the shape ${shape}`,
      safetensors(`{"a":{"dtype":"F32","shape":${shape},"data_offsets":[0,8]}}`, eight),
      /has the number 1[.e]0+1? in its header/,
    ]),
    ['an offset of -0', safetensors('{"a":{"dtype":"F32","shape":[0],"data_offsets":[-0,0]}}'), /the number -0/],
    ['a name that is no Unicode', safetensors(`{"\\ud800":${JSON.stringify(f32(0, 8))}}`, eight), /no Unicode/],
    ['bytes that are not the shape', safetensors({ a: f32(0, 8, [3]) }, eight), /12 bytes by its shape and 8 by/],
    ['end before begin', safetensors({ a: f32(8, 0, [2]) }, eight), /8 bytes by its shape and -8 by/],
    ['an overlap', safetensors({ a: f32(0, 8), b: f32(4, 8) }, eight), /"b" that overlaps/],
    ['a hole', safetensors({ a: f32(0, 4), b: f32(8, 12) }, new Uint8Array(12)), /4 bytes before tensor "b"/],
    ['a hole in front', safetensors({ a: f32(4, 8) }, eight), /4 bytes before tensor "a"/],
    ['bytes after the end', safetensors({ a: f32(0, 4) }, eight), /4 bytes after its last tensor/],
    ['an end too early', safetensors({ a: f32(0, 16) }, eight), /ends 8 bytes before/],
  ];

  test.each(cases)('%s', async (_name, bytes, message) => {
    const error = await refusal(bytes);
    expect(error.code).toBe('ERR_WEIGHTS_FORMAT');
    expect(error.message).toMatch(message);
    expect(error.message).toContain('bad.safetensors');
  });
});

test('a file truncated anywhere is rejected', async () => {
  const whole = readFileSync(join(__dirname, '../../fixtures/weights/basic_8_8_s1.safetensors'));
  for (let sixteenth = 0; sixteenth < 16; sixteenth++) {
    const error = await refusal(whole.subarray(0, Math.floor((whole.length * sixteenth) / 16)));
    expect(error.code).toBe('ERR_WEIGHTS_FORMAT');
  }
});

test('a file with a flipped bit either loads or is rejected with a code', async () => {
  const whole = readFileSync(join(__dirname, '../../fixtures/weights/basic_8_8_s1.bf16.safetensors'));
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 1_200 * 8 }), async (bit) => {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const path = written(folder, 'flipped.safetensors', bytes);
      await readWeights(path).catch((error: unknown) => expect(error).toBeInstanceOf(ResNetError));
    }),
    { numRuns: 1_000, seed: 1 },
  );
});

test('a file of another kind', async () => {
  const path = written(folder, 'weights.onnx', Buffer.from('\x08\x08\x12 and so on'));
  await expect(readWeights(path)).rejects.toMatchObject({
    code: 'ERR_UNSUPPORTED_FORMAT',
    message: expect.stringMatching(
      /is in none of the supported formats: safetensors, PyTorch's \.pth, PaddlePaddle's \.pdparams\.$/,
    ),
  });
});

test.each([
  [join(folder, 'nowhere.safetensors'), 'ERR_FILE', /^Cannot read .*nowhere/],
  [folder, 'ERR_FILE', /not a file|directory/],
  ['', 'ERR_ARGUMENT', /^path must be/],
  [7, 'ERR_ARGUMENT', /^path must be .* got 7\.$/],
])('no file: %p', async (path, code, message) => {
  const error = await readWeights(path as string).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
});

test('a named pipe is rejected without blocking', async () => {
  const pipe = join(folder, 'pipe.safetensors');
  execFileSync('mkfifo', [pipe]);
  await expect(readWeights(pipe)).rejects.toMatchObject({ code: 'ERR_FILE' });
});

test('tensors of any dtype, shape and name are read back as written', async () => {
  const path = join(folder, 'round.safetensors');
  const tensor = fc.oneof(
    fc.array(fc.float(), { maxLength: 20 }).map((values) => new Tensor(Float32Array.from(values), [values.length])),
    fc.uint16Array({ maxLength: 7 }).map((bits) => new Tensor(bits, [1, bits.length], 'bfloat16')),
    fc.uint16Array({ maxLength: 7 }).map((bits) => new Tensor(bits, [bits.length, 1], 'float16')),
    fc.bigInt64Array({ minLength: 1, maxLength: 1 }).map((values) => new Tensor(values, [])),
    fc.uint8Array({ maxLength: 5 }).map((values) => new Tensor(values, [values.length])),
  );
  const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__' && name !== '__proto__');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(names, tensor), { maxLength: 6 }), async (entries) => {
      const tensors = new Map(entries);
      await saveSafetensors(path, tensors, { made: 'by a test' });
      const read = await readWeights(path);
      expect(new Map([...read].sort())).toEqual(new Map([...tensors].sort()));
    }),
    { numRuns: 100 },
  );
});

test('a failed write leaves no file', async () => {
  const blocked = join(folder, 'nowhere', 'x.safetensors');
  await expect(saveSafetensors(blocked, new Map())).rejects.toMatchObject({ code: 'ERR_FILE' });
  chmodSync(folder, 0o700);
  // The name of a folder: the temporary file is complete, but the rename fails.
  await expect(saveSafetensors(folder, new Map())).rejects.toMatchObject({ code: 'ERR_FILE' });
  expect(readdirSync(join(folder, '..')).filter((name) => name.includes(folder.split('/').at(-1)!))).toHaveLength(1);
});

test('a header may hold a text of 20 MB', async () => {
  const header = { __metadata__: { notes: 'x'.repeat(20_000_000) } };
  const file = written(folder, 'long.safetensors', safetensors(header));
  expect(await readWeights(file)).toEqual(new Map());
});
