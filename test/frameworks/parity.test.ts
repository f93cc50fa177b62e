import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { ResNet, Tensor } from '../../lib/index';
import { run } from '../support/node';

/**
 * The same ResNet-50, saved by the frameworks themselves, answers what PyTorch answers.
 *
 * Where the frameworks are: FRAMEWORKS, a folder that install.sh has made, or the Python on the PATH. On a machine
 * that must have them (REQUIRE_FRAMEWORKS=1) their absence is a failure and not a reason to skip.
 */
const env = process.env.FRAMEWORKS ? { PYTHONPATH: process.env.FRAMEWORKS } : {};
const python = process.env.PYTHON ?? 'python3';
const probe = `import importlib.util as i, sys; sys.exit(not all(map(i.find_spec, ['torch', 'paddle', 'safetensors'])))`;
const found = spawnSync(python, ['-c', probe], { env: { ...process.env, ...env } }).status === 0;
const required = process.env.REQUIRE_FRAMEWORKS === '1';

const CLASSES = 2048; // fc.weight is square, so that its shape does not tell whether it is turned
const SHAPE = [2, 3, 75, 64];
const FILES = [
  'zip.pth',
  'legacy.pth',
  'checkpoint.pth',
  'channels_last.pth',
  'training.pth',
  'timm.safetensors',
  'huggingface.safetensors',
  'protocol2.pdparams',
  'protocol4.pdparams',
];

(found || required ? describe : describe.skip)('weights saved by PyTorch and PaddlePaddle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'resnet-frameworks-'));
  const floats = (name: string): Float64Array =>
    new Float64Array(new Uint8Array(readFileSync(join(folder, name))).buffer);

  beforeAll(async () => {
    if (!found) throw new Error(`REQUIRE_FRAMEWORKS=1, but ${python} has no torch, paddle and safetensors`);
    // One after the other, in processes of their own: each brings its own OpenMP.
    for (const script of ['save_torch.py', 'save_paddle.py']) {
      const ended = await run(python, [join(__dirname, script), folder, String(CLASSES)], { env });
      if (ended.code !== 0) throw new Error(`${script} failed:\n${ended.stderr}`);
    }
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The largest difference from what a framework answers, relative to the largest logit. */
  const difference = (logits: ArrayLike<number>, expected: Float64Array): number => {
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return expected.reduce((most, value, i) => Math.max(most, Math.abs(logits[i]! - value)), 0) / largest;
  };

  test('the two frameworks agree', () => {
    expect(existsSync(join(folder, 'paddle.f64'))).toBe(true);
    expect(floats('torch.f64')).toHaveLength(2 * CLASSES);
    expect(difference(floats('paddle.f64'), floats('torch.f64'))).toBeLessThan(2e-5);
  });

  test.each(FILES)('%s: logits within 2e-5 of the largest', async (name) => {
    const warnings: string[] = [];
    using net = await ResNet.load(join(folder, name), { onWarning: (message) => warnings.push(message) });
    expect(warnings.length).toBe(name === 'training.pth' ? 2 : 0);
    expect([net.layers, net.numClasses]).toEqual([50, CLASSES]);
    const input = new Float32Array(new Uint8Array(readFileSync(join(folder, 'input.f32'))).buffer);
    const logits = await net.forward(new Tensor(input, SHAPE));
    expect(difference(logits.toFloat32(), floats('torch.f64'))).toBeLessThan(2e-5);
  });
});
