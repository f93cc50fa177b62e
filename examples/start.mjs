// npm start: the article's ResNet-50 as a table, then a picture through it.
//   npm start                                          an untrained network
//   npm start -- --weights resnet50.safetensors        a trained one
import { parseArgs } from 'node:util';
import { ImageClassifier, ResNet, summary } from '../dist/index.js';
import { drawScene } from './scene.mjs';

const { weights = 'random:0' } = parseArgs({ options: { weights: { type: 'string' } } }).values;

// On 'meta' the network has shapes and no values: the table costs no memory.
process.stdout.write(String(summary(new ResNet(50, 1000, { device: 'meta' }), [1, 3, 224, 224])));

const picture = await drawScene();
const classifier = await ImageClassifier.create({ layers: 50, weights });
await classifier.classify(picture); // the first forward also reserves memory

// For two seconds, or ten times where the machine is fast.
const start = performance.now();
const passed = () => (performance.now() - start) / 1000;
let predictions = [];
let runs = 0;
while (runs === 0 || (runs < 10 && passed() < 2)) {
  predictions = await classifier.classify(picture);
  runs++;
}
const seconds = passed() / runs;

console.log(picture);
for (const { label, score } of predictions) console.log(`  ${(100 * score).toFixed(2).padStart(6)} %  ${label}`);
console.log(`${seconds.toFixed(3)} seconds a picture, ${(1 / seconds).toFixed(1)} images per second`);
if (/^random(:|$)/.test(weights)) {
  console.log(
    'The network is untrained, so these names mean nothing; for trained weights: npm start -- --weights FILE (safetensors, .pth, .pdparams)',
  );
}
classifier.dispose();
