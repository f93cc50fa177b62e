// A Next.js route handler that classifies the picture in a request's body: copy it to app/api/classify/route.ts.
// In next.config: serverExternalPackages: ['libtorch-resnet'], so that the native addon is loaded and not bundled.
import { ImageClassifier, ResNetError } from 'libtorch-resnet';

export const runtime = 'nodejs'; // the edge runtime has no native addons

// In globalThis, since `next dev` loads this file again after every change. 'random:1' is untrained, for trials.
const shared = globalThis as { classifier?: Promise<ImageClassifier> };

export async function POST(request: Request): Promise<Response> {
  shared.classifier ??= ImageClassifier.create({ weights: process.env.WEIGHTS ?? 'random:1' });
  const classifier = await shared.classifier;
  const picture = new Uint8Array(await request.arrayBuffer());
  try {
    return Response.json(await classifier.classify(picture, { topK: 3, signal: request.signal }));
  } catch (error) {
    if (!(error instanceof ResNetError) || error.code !== 'ERR_IMAGE') throw error; // Next.js answers 500
    return Response.json({ error: error.message, code: error.code }, { status: 400 });
  }
}
