import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { decode } from '../../lib/image/decode';
import { callNative } from '../../lib/native/addon';
import { checkPreprocess } from '../../lib/image/preprocess';
import { ResNet } from '../../lib/resnet';
import { createServer } from '../../lib/serve';
import { Tensor } from '../../lib/tensor';
import { fixture } from '../image/pictures';
import { run } from '../support/node';

/**
 * Triton's own client against our server: its results equal those of the network offline.
 *
 * Where the client is: TRITON, a folder that install.sh has made, or the Python on the PATH. On a machine that must
 * have it (REQUIRE_TRITON=1) its absence is a failure and not a reason to skip.
 */
const env = process.env.TRITON ? { PYTHONPATH: process.env.TRITON } : {};
const python = process.env.PYTHON ?? 'python3';
const found = spawnSync(python, ['-c', 'import tritonclient.http'], { env: { ...process.env, ...env } }).status === 0;
const required = process.env.REQUIRE_TRITON === '1';

(found || required ? describe : describe.skip)("Triton's client", () => {
  let out: any;
  const expected: Record<string, number[][]> = {};

  beforeAll(async () => {
    if (!found) throw new Error(`REQUIRE_TRITON=1, but ${python} has no tritonclient.http`);
    using net = new ResNet(18, 1000, { seed: 3 });
    using fast = await net.optimize();
    const floats = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => (i % 251) / 125 - 1);
    const rows = async (x: Tensor): Promise<number[][]> => {
      const values = (await fast.forward(x)).toFloat32();
      return [0, 1].map((i) => [...values.subarray(1000 * i, 1000 * (i + 1))]);
    };
    expected.input = await rows(new Tensor(floats, [2, 3, 32, 32]));
    const pixels = new Uint8Array(floats.length).map((_, i) => i % 251);
    expected.pixels = await rows(new Tensor(pixels, [2, 32, 32, 3]));
    const picture = await decode(fixture('landscape.jpg'));
    const cropped = callNative((binding) => binding.resizeAndCrop([picture, picture], checkPreprocess()));
    const { data, shape } = await cropped.promise;
    expected.image = await rows(new Tensor(data, shape));

    const server = await createServer({ models: [{ weights: 'random:3', layers: 18 }], logLevel: 'silent' });
    try {
      const url = await server.listen({ port: 0, host: '127.0.0.1' });
      while ((await fetch(`${url}/v2/health/ready`)).status !== 200) await new Promise((next) => setTimeout(next, 20));
      const args = [`${__dirname}/drive.py`, new URL(url).host, fixture('landscape.jpg')];
      const ended = await run(python, args, { env });
      if (ended.code !== 0) throw new Error(`drive.py failed:\n${ended.stderr}`);
      out = JSON.parse(ended.stdout);
    } finally {
      await server.close();
    }
  }, 120_000);

  const close = (rows: readonly number[][], wanted: readonly number[][]): void => {
    const flat = wanted.flat();
    const largest = flat.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(rows.map((row) => row.length)).toEqual(wanted.map((row) => row.length));
    const difference = rows.flat().reduce((most, value, i) => Math.max(most, Math.abs(value - flat[i]!)), 0);
    expect(difference / largest).toBeLessThan(2e-5);
  };

  test('health and metadata', () => {
    expect([out.live, out.ready, out.model_ready]).toEqual([true, true, [true, true, false]]);
    const { version } = JSON.parse(readFileSync(`${__dirname}/../../package.json`, 'utf8'));
    expect(out.server).toEqual({
      name: 'libtorch-resnet',
      version,
      extensions: ['binary_tensor_data', 'classification', 'model_configuration', 'statistics'],
    });
    expect(out.model).toMatchObject({
      name: 'resnet18',
      outputs: [{ name: 'logits', datatype: 'FP32', shape: [-1, 1000] }],
    });
    expect(out.model.inputs.map(({ name }: any) => name)).toEqual(['image', 'pixels', 'input']);
  });

  test.each(['binary', 'json', 'mixed'])('floats: %s', (way) => close(out[way], expected.input!));
  test.each(['pixels', 'pixels_json'])('8-bit pixels: %s', (way) => close(out[way], expected.pixels!));
  test.each(['image', 'image_json'])('encoded pictures: %s', (way) => close(out[way], expected.image!));

  test.each(['gzip', 'deflate', 'gzip_json', 'aio_gzip'])('compressed bodies: %s', (way) =>
    close(out[way], expected.input!),
  );

  test('the raw binary request: a picture as the body', () => close(out.raw, expected.image!.slice(0, 1)));

  test('configuration, statistics and the repository index', () => {
    expect(out.config).toMatchObject({
      name: 'resnet18',
      input: [{ name: 'image' }, { name: 'pixels' }, { name: 'input', dims: [3, -1, -1] }],
      output: [{ name: 'logits', data_type: 'TYPE_FP32', dims: [1000] }],
    });
    const [statistics] = out.statistics.model_stats;
    expect(statistics).toMatchObject({ name: 'resnet18', version: '1' });
    expect(statistics.inference_count).toBeGreaterThan(10);
    expect(out.all_statistics.model_stats).toEqual([statistics]);
    expect(out.index).toEqual([{ name: 'resnet18', version: '1', state: 'READY', reason: '' }]);
  });

  test.each(['async', 'aio'])('several at a time, each its own answer: %s', (way) => {
    close(
      out[way],
      Array.from({ length: 8 }, (_, i) => expected.input![i % 2]!),
    );
  });

  test.each(['top', 'top_json'])('the best three, with scores, indices and labels: %s', (way) => {
    for (const [i, row] of (out[way] as string[][]).entries()) {
      const logits = expected.input![i]!;
      const best = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!).slice(0, 3);
      const parts = row.map((text) => /^([^:]+):(\d+):(.+)$/.exec(text)!);
      expect(parts.map(([, , index]) => Number(index))).toEqual(best);
      for (const [, score, index] of parts) expect(Number(score)).toBeCloseTo(logits[Number(index)]!, 3);
    }
  });

  test("probabilities, and the request's id", () => {
    expect(out.softmax).toEqual([expect.closeTo(1, 5), expect.closeTo(1, 5)]);
    expect(out.response).toEqual(['seven', 'resnet18', '1']);
  });

  test("errors have the server's message", () => {
    expect(out.errors).toEqual({
      model: { status: '404', message: expect.stringMatching(/resnet18/) },
      version: { status: '404', message: expect.stringMatching(/version/) },
      shape: { status: '400', message: expect.stringMatching(/shape \[-1, 3, -1, -1\]/) },
      datatype: { status: '400', message: expect.stringMatching(/FP32.*FP64/) },
      picture: { status: '400', message: expect.stringMatching(/JPEG/) },
      two: { status: '400', message: expect.stringMatching(/exactly one/) },
      output: { status: '400', message: expect.stringMatching(/logits/) },
      timeout: { status: '504', message: expect.stringMatching(/1 ms/) },
    });
  });
});
