// Names pictures: node examples/classify.mts resnet50.safetensors cat.jpg dog.jpg (before Node 22.18: npx tsx …)
import { ImageClassifier } from 'libtorch-resnet';

const [weights = 'random', ...pictures] = process.argv.slice(2);
const classifier = await ImageClassifier.create({ weights, preprocess: 'imagenet-v2' });
const answers = await classifier.classify(pictures, { topK: 3, onError: ({ message }) => console.error(message) });
for (const [i, predictions] of answers.entries()) {
  console.log(pictures[i]);
  for (const { label, score } of predictions) console.log(`${(100 * score).toFixed(1).padStart(5)} %  ${label}`);
}
classifier.dispose();
