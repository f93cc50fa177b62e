import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ImageClassifier, ResNet, Tensor, type ResNetError } from '../../lib/index';
import { convertFile } from '../../lib/weights/convert-file';
import { temporaryFolder } from '../support/files';
import { root, run, type Ended } from '../support/node';
import { fixture } from '../image/pictures';

/**
 * Checkpoints as people's own training scripts write them; the folder's README says what is right for each. A user's
 * clone has no such folder.
 */
const checkpoints = join(root, '..', 'shared', 'reference', 'reports', 'checkpoints');
const folder = temporaryFolder();
const file = (name: string): string => join(checkpoints, `${name}.pth`);

(existsSync(checkpoints) ? describe : describe.skip)('checkpoints of training scripts', () => {
  let logits: number[] = [];
  beforeAll(() => {
    ({ logits } = JSON.parse(readFileSync(join(checkpoints, 'expected.json'), 'utf8')) as { logits: number[] });
  });
  const x = new Tensor(
    Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.sin(i)),
    [1, 3, 64, 64],
  );

  async function expectLogits(net: ResNet): Promise<void> {
    const { data } = await net.forward(x);
    expect([net.layers, data.length]).toEqual([18, 10]);
    logits.forEach((logit, i) => expect(Math.abs((data as Float32Array)[i]! - logit)).toBeLessThan(1e-4));
  }

  const refusal = (path: string, options: object): Promise<string> =>
    ResNet.load(path, options).then(
      () => 'loaded',
      (error: unknown) => `${(error as ResNetError).code} ${(error as ResNetError).message}`,
    );

  type Case = [name: string, options: { prefix?: string }, warnings: RegExp[]];
  const LOADED: Case[] = [
    ['control', {}, []],
    ['example-best', {}, []],
    ['scheduler-counter', {}, [/names Python globals that no state dict needs: collections\.Counter\. /]],
    ['criterion-beside', {}, [/has 1 tensor beside the network that is not loaded: criterion\.pos_weight\.$/]],
    ['net-prefix', {}, []],
    ['ema-beside', { prefix: 'model.' }, []],
    ['ema-beside', { prefix: 'ema_model' }, []],
    ['ema-beside', { prefix: 'state_dict.ema_model.module.' }, []],
    ['dropout-head', {}, []],
    [
      'posix-path',
      {},
      [/names Python globals that no state dict needs: pathlib\.PosixPath\. .*nothing of the file was run/],
    ],
  ];

  test('every checkpoint of the folder is tried here', () => {
    const names = readdirSync(checkpoints).flatMap((name) => (name.endsWith('.pth') ? [name.slice(0, -4)] : []));
    expect(new Set([...LOADED.map(([name]) => name), 'backbone', 'student-teacher'])).toEqual(new Set(names));
  });

  test.each(LOADED)('%s %j loads with the expected logits, and converts', async (name, options, warnings) => {
    const heard: string[] = [];
    const onWarning = (message: string): number => heard.push(message);
    using net = await ResNet.load(file(name), { ...options, onWarning });
    await expectLogits(net);
    expect(heard).toEqual(warnings.map((warning) => expect.stringMatching(warning)));
    using silent = await ResNet.load(file(name), options);
    expect(silent.numClasses).toBe(10);

    heard.length = 0;
    const output = join(folder, 'converted.safetensors');
    expect(await convertFile(file(name), output, { ...options, onWarning, force: true })).toMatchObject({
      layers: 18,
      numClasses: 10,
      tensors: 122,
    });
    expect(heard).toEqual(warnings.map((warning) => expect.stringMatching(warning)));
    using converted = await ResNet.load(output);
    await expectLogits(converted);
  });

  test('two whole copies: an error that names both and the option that chooses, everywhere', async () => {
    const message = /^ERR_WEIGHTS_MISMATCH .*2 ResNets.*"model\." and "ema_model\.module\.".*prefix \(--prefix\)/;
    expect(await refusal(file('ema-beside'), {})).toMatch(message);
    await expect(convertFile(file('ema-beside'), join(folder, 'x.safetensors'))).rejects.toMatchObject({
      code: 'ERR_WEIGHTS_MISMATCH',
    });
    await expect(ImageClassifier.create({ weights: file('ema-beside') })).rejects.toMatchObject({
      code: 'ERR_WEIGHTS_MISMATCH',
    });
    expect(await refusal(file('ema-beside'), { prefix: 'modle.' })).toMatch(
      /^ERR_WEIGHTS_MISMATCH .*no tensor whose name begins with the prefix "modle\."; it has state_dict\.model\.conv1\.weight/,
    );
    expect(await refusal(file('ema-beside'), { prefix: 1 })).toMatch(/^ERR_ARGUMENT prefix must be a string/);
    expect(await refusal(file('student-teacher'), {})).toMatch(
      /^ERR_WEIGHTS_MISMATCH .*"student\.module\.backbone\." and "teacher\.backbone\."/,
    );
  });

  test.each([
    ['backbone', {}],
    ['backbone', { layers: 18 }],
    ['student-teacher', { prefix: 'student.' }],
    ['student-teacher', { prefix: 'teacher' }],
    ['student-teacher', { prefix: 'teacher.backbone' }],
  ] as const)('%s %j has no head: numClasses draws one, and features need none', async (name, options) => {
    expect(await refusal(file(name), options)).toMatch(/^ERR_WEIGHTS_MISMATCH .*without its head.*numClasses/);
    const warnings: string[] = [];
    const load = (seed: number): Promise<ResNet> =>
      ResNet.load(file(name), { ...options, numClasses: 7, seed, onWarning: (message) => warnings.push(message) });
    using net = await load(1);
    expect(warnings).toEqual([expect.stringMatching(/no head that can be used: a new one for 7 classes is drawn/)]);
    using again = await load(1);
    using other = await load(2);
    const head = (one: ResNet): unknown => one.stateDict().get('fc.weight')!.data;
    expect(head(again)).toEqual(head(net));
    expect(head(other)).not.toEqual(head(net));
  });

  const cli = (...args: string[]): Promise<Ended> =>
    run(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args]);
  const picture = fixture('small.png');

  test('resnet features of a file without a head are those of the file with one', async () => {
    const rows: number[][] = [];
    for (const args of [['control'], ['backbone'], ['student-teacher', '--prefix', 'teacher.']] as const) {
      const [name, ...more] = args;
      const { code, stdout, stderr } = await cli('features', picture, '--weights', file(name), ...more);
      expect([code, stderr]).toEqual([0, '']);
      rows.push((JSON.parse(stdout) as { features: number[] }[])[0]!.features);
    }
    expect(rows[0]).toHaveLength(512);
    expect(rows[1]).toEqual(rows[0]);
    expect(rows[2]).toEqual(rows[0]);
  });

  test('resnet classify and convert: warnings on stderr, --prefix, and a file without a head', async () => {
    const classified = await cli('classify', picture, '--weights', file('posix-path'), '--format', 'json');
    expect(classified).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^resnet: warning: .*pathlib\.PosixPath/),
    });
    const chosen = await cli(
      'classify',
      picture,
      '--weights',
      file('ema-beside'),
      '--prefix',
      'model.',
      '--format',
      'json',
    );
    expect([chosen.code, chosen.stderr]).toEqual([0, '']);
    const scores = (text: string): unknown => (JSON.parse(text) as { predictions: unknown }[])[0]!.predictions;
    expect(scores(chosen.stdout)).toEqual(scores(classified.stdout));
    expect(await cli('classify', picture, '--weights', file('ema-beside'))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/"model\." and "ema_model\.module\."/),
    });
    const headless = await cli('classify', picture, '--weights', file('backbone'));
    expect(headless).toMatchObject({ code: 1, stderr: expect.stringContaining('--classes') });

    const output = join(folder, 'cli.safetensors');
    expect(await cli('convert', file('ema-beside'), output, '--prefix', 'model')).toMatchObject({
      code: 0,
      stdout: `${output}: ResNet-18, 10 classes, 122 tensors, torchvision\n`,
      stderr: '',
    });
    expect(await cli('convert', file('backbone'), output, '--force')).toMatchObject({
      code: 0,
      stdout: `${output}: ResNet-18, no head, 120 tensors, torchvision\n`,
      stderr: '',
    });
  });

  test('a classifier passes the warnings on, and its new head is the same each time', async () => {
    const warnings: string[] = [];
    const create = (): Promise<ImageClassifier> =>
      ImageClassifier.create({
        weights: file('backbone'),
        numClasses: 3,
        onWarning: (message) => warnings.push(message),
      });
    using first = await create();
    using second = await create();
    expect(warnings).toHaveLength(2);
    expect(await second.classify(picture)).toEqual(await first.classify(picture));
    for (const options of [{ prefix: 1 }, { onWarning: 'log' }]) {
      const [[name]] = Object.entries(options) as [[string, unknown]];
      await expect(ImageClassifier.create({ weights: file('control'), ...(options as object) })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
        message: expect.stringMatching(new RegExp(`^${name} must be`)),
      });
    }
  });
});
