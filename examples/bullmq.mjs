// Classifies pictures from a queue in Redis: REDIS_URL=redis://localhost:6379 node examples/bullmq.mjs PICTURE…
// For whole folders, `resnet classify --job` does this with shards, restarts and one output file.
import { Queue, QueueEvents, Worker } from 'bullmq';
import { ImageClassifier } from 'libtorch-resnet';

const connection = { url: process.env.REDIS_URL ?? 'redis://localhost:6379', maxRetriesPerRequest: null };
const name = 'pictures';

// The worker; in production a process of its own, as many as you like. 'random:1' is untrained, for trials.
const classifier = await ImageClassifier.create({ weights: process.env.WEIGHTS ?? 'random:1' });
const worker = new Worker(name, ({ data: { path } }) => classifier.classify(path, { topK: 3 }), {
  connection,
  concurrency: 4, // pictures that are decoded while others run through the network
});

// The producer: adds jobs, and waits for their results.
const queue = new Queue(name, { connection });
const events = new QueueEvents(name, { connection });
await events.waitUntilReady();
const kept = { age: 3600 }; // seconds that Redis keeps an answer
const opts = { attempts: 2, removeOnComplete: kept, removeOnFail: kept };
const jobs = await queue.addBulk(process.argv.slice(2).map((path) => ({ name: 'classify', data: { path }, opts })));
for (const job of jobs) {
  try {
    const [best] = await job.waitUntilFinished(events);
    console.log(`${job.data.path}: ${best.label} ${best.score.toFixed(3)}`);
  } catch (error) {
    console.log(`${job.data.path}: failed, ${error.message}`);
  }
}

for (const part of [worker, events, queue]) await part.close();
classifier.dispose();
