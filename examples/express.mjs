// Classifies pictures in an Express app: node examples/express.mjs [WEIGHTS]
//   curl -H 'Content-Type: image/jpeg' --data-binary @cat.jpg http://127.0.0.1:3000/classify
import express from 'express';
import { ImageClassifier, ResNetError } from 'libtorch-resnet';

// One classifier for the whole process. 'random:1' is untrained, for trials.
const classifier = await ImageClassifier.create({ weights: process.argv[2] ?? 'random:1' });
const app = express();

app.post('/classify', express.raw({ type: 'image/*', limit: '20mb' }), async (request, response) => {
  const canceled = new AbortController(); // a client that hangs up cancels its forward
  response.on('close', () => canceled.abort());
  response.json(await classifier.classify(request.body, { topK: 3, signal: canceled.signal }));
});

// eslint-disable-next-line no-unused-vars -- Express recognizes an error handler by its four parameters
app.use((error, _request, response, _next) => {
  const bad = error instanceof ResNetError && ['ERR_IMAGE', 'ERR_ARGUMENT'].includes(error.code);
  const status = bad ? 400 : (error.status ?? 500);
  response.status(status).json({ error: status < 500 ? error.message : 'The server failed.', code: error.code });
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
process.once('SIGTERM', () => server.close(() => classifier.dispose()));
