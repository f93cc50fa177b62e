// An AWS Lambda handler, behind a function URL or API Gateway: the request's body is a picture.
// Deploy it as a container image: libtorch is larger than a zip package may be.
import { ImageClassifier, ResNetError } from 'libtorch-resnet';

// Outside the handler: loaded once for each instance, and reused by its later requests. 'random:1' is untrained.
const classifier = await ImageClassifier.create({ weights: process.env.WEIGHTS ?? 'random:1' });

export async function handler(event, context) {
  const picture = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  const signal = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - 200)); // time left to respond
  try {
    return respond(200, await classifier.classify(picture, { topK: 3, signal }));
  } catch (error) {
    if (error instanceof ResNetError && error.code === 'ERR_IMAGE') {
      return respond(400, { error: error.message, code: error.code });
    }
    if (signal.aborted) return respond(504, { error: 'The deadline passed.', code: 'ERR_TIMEOUT' });
    throw error; // Lambda logs it and answers 502
  }
}

function respond(statusCode, body) {
  return { statusCode, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}
