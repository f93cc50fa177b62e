import { join } from 'node:path';
import { ResNet } from '../../lib/index';
import { temporaryFolder, written } from '../support/files';
import { root, run, runScript } from '../support/node';

const folder = temporaryFolder();
const weights = join(folder, 'net.safetensors');
beforeAll(async () => {
  using net = new ResNet(18, 10, { seed: 1 });
  await net.save(weights);
});

/** In each: work of some hundred milliseconds, `pending`, is in flight. */
const starts = {
  ResNet: `
    const net = new ResNet(18, 10, { seed: 1 });
    const pending = Promise.all([1, 2, 3].map(() => net.forward(x)));
  `,
  OptimizedResNet: `
    const fast = await new ResNet(18, 10, { seed: 1 }).optimize({ threads: 1 });
    const pending = Promise.all([1, 2, 3, 4, 5].map(() => fast.forward(x)));
  `,
  ImageClassifier: `
    const classifier = await ImageClassifier.create({ weights: ${JSON.stringify(weights)} });
    const pixels = await require('sharp')({ create: { width: 300, height: 300, channels: 3, background: '#825' } })
      .jpeg().toBuffer();
    const pending = classifier.classify(Array.from({ length: 64 }, () => pixels));
  `,
};

type Kind = keyof typeof starts;

const signaled = (signal: string): string => `process.kill(process.pid, '${signal}')`;

/** What happens in mid-forward, and how the process has to end: at once, and silent but for an error's own words. */
const ends: Record<string, [then: string, expected: object]> = {
  SIGTERM: [signaled('SIGTERM'), { code: null, signal: 'SIGTERM', stderr: '' }],
  SIGINT: [signaled('SIGINT'), { code: null, signal: 'SIGINT', stderr: '' }],
  'a handler of SIGINT that exits': [
    `process.on('SIGINT', () => process.exit(6)); ${signaled('SIGINT')}`,
    { code: 6, signal: null, stderr: '' },
  ],
  'process.exit': ['process.exit(7)', { code: 7, signal: null, stderr: '' }],
  'an uncaught throw': [
    `throw new Error('on purpose')`,
    { code: 1, signal: null, stderr: expect.stringMatching(/^(?!.*(terminate|segmentation)).*Error: on purpose/is) },
  ],
};

/** All of it by `npm run test:long`; ends.test.ts has a ResNet's other ends. */
const quick: [Kind, string][] = [
  ['ResNet', 'SIGTERM'],
  ['ResNet', 'a handler of SIGINT that exits'],
  ['OptimizedResNet', 'SIGINT'],
  ['OptimizedResNet', 'process.exit'],
  ['ImageClassifier', 'SIGTERM'],
  ['ImageClassifier', 'an uncaught throw'],
];
const all = (Object.keys(starts) as Kind[]).flatMap((kind) =>
  Object.keys(ends).map((end): [Kind, string] => [kind, end]),
);

test.each(process.env.TEST_LONG === '1' ? all : quick)('%s in mid-forward: %s', async (kind, end) => {
  const [then, expected] = ends[end]!;
  const ended = await runScript(`
    const { ImageClassifier, ResNet, Tensor } = require('./dist');
    const x = new Tensor(new Float32Array(8 * 3 * 224 * 224), [8, 3, 224, 224]);
    const main = async () => {
      ${starts[kind]}
      pending.then(() => console.log('too late'), () => console.log('failed'));
      setTimeout(() => { ${then}; }, 30);
    };
    main();
  `);
  expect(ended).toEqual({ stdout: '', ...expected });
});

/** What children do too: a forward, and the first number of its answer. */
const child = `
  const { ResNet, Tensor } = require(${JSON.stringify(join(root, 'dist'))});
  const net = new ResNet(18, 10, { seed: 4 });
  const forward = async () => (await net.forward(new Tensor(new Float32Array(3072).fill(1), [1, 3, 32, 32]))).data[0];
`;

test.each([
  ['child_process.fork', (worker: string) => `const start = () => require('node:child_process').fork(${worker});`],
  [
    'cluster',
    (worker: string) => `
      const cluster = require('node:cluster');
      cluster.setupPrimary({ exec: ${worker}, execArgv: [] });
      const start = () => cluster.fork();`,
  ],
])('%s in mid-forward: the children answer what the parent answers', async (_, start) => {
  const worker = written(folder, 'worker.js', Buffer.from(`${child} forward().then((y) => process.send(y));`));
  const parent = `${child} ${start(JSON.stringify(worker))}
    const running = net.forward(new Tensor(new Float32Array(8 * 3 * 224 * 224), [8, 3, 224, 224]));
    const children = [start(), start()];
    const main = async () => {
      const answers = await Promise.all(children.map((one) => new Promise((resolve) => one.once('message', resolve))));
      await running;
      const own = await forward();
      console.log(answers.map((answer) => answer === own));
      for (const one of children) one.kill();
    };
    main();
  `;
  expect(await runScript(parent)).toEqual({ code: 0, signal: null, stdout: '[ true, true ]\n', stderr: '' });
});

test('node --test, with a forward in flight when the tests are done', async () => {
  const source = `
    const { test } = require('node:test');
    ${child}
    test('answers', async () => { if (!Number.isFinite(await forward())) throw new Error('no number'); });
    test('leaves', () => { void net.forward(new Tensor(new Float32Array(3 * 2 ** 20), [1, 3, 1024, 1024])); });
  `;
  const file = written(folder, 'one.test.js', Buffer.from(source));
  const result = await run(process.execPath, ['--test', '--test-reporter=tap', file]);
  expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(result.stdout).toMatch(/^# pass 2$/m);
});
