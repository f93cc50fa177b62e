import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { readWeights, type ResNetError } from '../../../lib/index';
import { temporaryFolder, written } from '../../support/files';

const folder = temporaryFolder();

/** The error's code and message; the code is undefined if the file was read. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await readWeights(written(folder, 'weights.pth', bytes)).then(
    () => undefined,
    (thrown: unknown) => thrown as ResNetError,
  );
  return `${error?.code} ${error?.message}`;
}

test.each([
  'basic_8_8_s1.pth',
  'basic_8_8_s1.legacy.pth',
  'basic_8_8_s1.checkpoint.pth',
  'bottleneck_16_32_s1.pdparams',
])('%s: cut anywhere it is refused', async (name) => {
  const whole = readFileSync(join(__dirname, '../../fixtures/weights', name));
  for (let sixteenth = 0; sixteenth < 16; sixteenth++) {
    const text = await refusal(whole.subarray(0, Math.floor((whole.length * sixteenth) / 16)));
    expect(text).toMatch(sixteenth === 0 ? /^ERR_UNSUPPORTED_FORMAT / : /^ERR_WEIGHTS_FORMAT .*weights\.pth/);
  }
});

test.each([
  ['basic_8_8_s1.pth', 0],
  ['basic_8_8_s1.pth', 7_000],
  ['basic_8_8_s1.legacy.pth', 0],
  ['bottleneck_16_32_s1.pdparams', 0],
] as const)(
  '%s: a bit flipped anywhere from byte %i loads something or is refused, and never more',
  async (name, from) => {
    const whole = readFileSync(join(__dirname, '../../fixtures/weights', name));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: from * 8, max: whole.length * 8 - 1 }), async (bit) => {
        const bytes = Buffer.from(whole);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(await refusal(bytes)).toMatch(/^(undefined|ERR_(WEIGHTS_FORMAT|WEIGHTS_GLOBAL|UNSUPPORTED_\w+) )/);
      }),
      { numRuns: 1_000, seed: 1 },
    );
  },
);
