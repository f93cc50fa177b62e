// Classifies in a worker thread: node examples/worker.mjs PICTURE…
// A forward never blocks the event loop of the thread that asks. A worker is for code that does, such as computing with
// the answers. All workers of a process share the same inference threads, so more workers do not compete for cores.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ImageClassifier } from 'libtorch-resnet';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { workerData: process.argv.slice(2) });
  worker.on('message', ({ picture, predictions, error }) => {
    console.log(picture, error ?? predictions.map(({ label, score }) => `${label} ${score.toFixed(3)}`).join(', '));
  });
} else {
  const classifier = await ImageClassifier.create({ weights: 'random:1' }); // untrained, for trials
  const classify = async (picture) => {
    try {
      parentPort.postMessage({ picture, predictions: await classifier.classify(picture, { topK: 3 }) });
    } catch ({ code, message }) {
      parentPort.postMessage({ picture, error: `${code}: ${message}` });
    }
  };
  await Promise.all(workerData.map(classify));
  classifier.dispose();
}
