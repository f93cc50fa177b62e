import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, type Ended } from '../support/node';

/** sharp is installed, but its binary for this platform is not. */
const node = (...args: string[]): Promise<Ended> =>
  run(process.execPath, ['-r', join(root, 'test', 'support', 'without-sharp.js'), ...args]);
const resnet = join(root, 'dist', 'cli', 'main.js');
const pictures = join(root, 'test', 'fixtures', 'preprocess');
const picture = join(
  pictures,
  readdirSync(pictures).find((name) => name.endsWith('.jpg'))!,
);

const advice = new RegExp(
  [
    'Pictures cannot be read: Could not load the "sharp" module using the \\S+ runtime',
    '- Ensure optional dependencies can be installed:',
    '    npm install --include=optional sharp',
    '- Add platform-specific dependencies:',
    '    npm install --os=\\w+ (--libc=musl )?--cpu=\\w+ sharp',
    '',
  ].join('\n'),
);

test("classify, explain and the heat map: ERR_DEPENDENCY with sharp's advice; tensors work", async () => {
  const { stdout, stderr } = await node(
    '-e',
    `const { ImageClassifier, ResNet, Tensor } = require('./dist');
     const { drawHeatmap } = require('./dist/image/heatmap');
     const print = ({ code, message }) => console.log(code + ': ' + message);
     const picture = ${JSON.stringify(picture)};
     (async () => {
       const classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18 });
       await classifier.classify([picture], { onError: () => console.log('no error of one picture') }).catch(print);
       await classifier.explain(picture).catch(print);
       await drawHeatmap({}, {}, 224).catch(print);
       console.log((await new ResNet(18, 3).forward(new Tensor([0, 0, 0], [1, 3, 1, 1]))).shape.join());
     })();`,
  );
  expect(stderr).toBe('');
  const message = new RegExp(`ERR_DEPENDENCY: ${advice.source}`).source;
  expect(stdout).toMatch(new RegExp(`^(${message}){3}1,3\n$`));
});

test('resnet doctor', async () => {
  const text = await node(resnet, 'doctor');
  expect(text.code).toBe(1);
  expect(text.stdout).toMatch(new RegExp(`sharp +none\n[^]*${advice.source}Usable with tensors only\\.\n$`));
  const report = JSON.parse((await node(resnet, 'doctor', '--format', 'json')).stdout);
  expect(report).toMatchObject({ usable: false, pictures: null, native: { cores: expect.any(Number) } });
});

test('resnet classify', async () => {
  const { code, stderr } = await node(resnet, 'classify', '--weights', 'random', '--layers', '18', picture);
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`resnet: ${advice.source}`));
});

test('a server is never ready, and logs why', async () => {
  const { stdout, stderr } = await node(
    '-e',
    `const { setTimeout } = require('node:timers/promises');
     const { createServer } = require('./dist/serve');
     const write = process.stderr.write.bind(process.stderr);
     let logged = false;
     process.stderr.write = (line) => ((logged ||= line.includes('not ready')), write(line));
     (async () => {
       const app = await createServer({ models: [{ name: 'net', weights: 'random:1', layers: 18 }] });
       while (!logged) await setTimeout(10);
       for (const path of ['live', 'ready']) console.log((await app.inject('/v2/health/' + path)).statusCode);
       console.log((await app.inject('/v2/models/net/ready')).payload);
       await app.close();
     })();`,
  );
  expect(stdout).toBe('200\n503\n{"name":"net","ready":false}\n');
  const errors = stderr.split('\n').filter((line) => line.includes('"level":50'));
  expect(errors.map((line) => JSON.parse(line))).toMatchObject([
    {
      model: 'net',
      msg: 'not ready: pictures cannot be read',
      err: { message: expect.stringMatching(/^Pictures cannot be read: [^]*npm install --include=optional sharp/) },
    },
  ]);
});
