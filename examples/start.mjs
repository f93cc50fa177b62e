// npm start: the article's table of ResNet-50, then a picture through the network, its answer and its speed.
//   npm start                                     untrained
//   npm start -- --weights resnet50.safetensors   trained; or DEFAULT: torchvision's weights, fetched once
import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { ImageClassifier, ResNet, summary } from 'libtorch-resnet';
import { drawScene } from './scene.mjs';

const { weights = 'random:0' } = parseArgs({ options: { weights: { type: 'string' } } }).values;
const untrained = /^random(:|$)/.test(weights);

// On device 'meta' the network has shapes and no values, so the table costs no memory.
process.stdout.write(String(summary(new ResNet(50, 1000, { device: 'meta' }), [1, 3, 224, 224])));

const picture = await drawScene();
const classifier = await ImageClassifier.create({ layers: 50, weights });
const answer = await classifier.classify(picture); // also reserves memory, so it is not timed

let pictures = 0;
const start = performance.now();
do pictures += (await classifier.classify([picture])).length;
while (performance.now() - start < 2000);
const ms = (performance.now() - start) / pictures;

console.log(`ResNet-50 looks at ${relative('', picture)}, a mountain lake drawn just now.`);
if (untrained) console.log('It is untrained: its weights are random, so the answer is chance. The speed is real.');
console.log();
for (const { label, score } of answer) console.log(`  ${(100 * score).toFixed(2).padStart(6)} %  ${label}`);
console.log(`\n${ms.toFixed(1)} ms from JPEG to answer, ${(1000 / ms).toFixed(1)} pictures per second,`);
console.log(`one after another in ${classifier.dtype} on ${availableParallelism()} cores.`);
if (untrained) console.log('\nWith trained weights: npm start -- --weights DEFAULT (torchvision, 98 MB, fetched once)');
classifier.dispose();
