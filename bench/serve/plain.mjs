// node plain.mjs MODEL.onnx PORT: the server that a Node developer would write today for classifying pictures: Fastify
// takes the body, sharp decodes and resizes it, onnxruntime-node answers it.
import Fastify from 'fastify';
import ort from 'onnxruntime-node';
import sharp from 'sharp';

const [model, port] = process.argv.slice(2);
const session = await ort.InferenceSession.create(model);
const [mean, std] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];
const AREA = 224 * 224;

async function toTensor(picture) {
  const { data, info } = await sharp(picture)
    .removeAlpha()
    .resize(256, 256, { fit: 'outside' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [left, top] = [Math.floor((info.width - 224) / 2), Math.floor((info.height - 224) / 2)];
  const x = new Float32Array(3 * AREA);
  for (let row = 0; row < 224; row++) {
    for (let column = 0; column < 224; column++) {
      const from = ((top + row) * info.width + left + column) * 3;
      for (let channel = 0; channel < 3; channel++) {
        x[channel * AREA + row * 224 + column] = (data[from + channel] / 255 - mean[channel]) / std[channel];
      }
    }
  }
  return new ort.Tensor('float32', x, [1, 3, 224, 224]);
}

function topFive(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp(value - most));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers
    .map((power, index) => ({ index, score: power / sum }))
    .sort((a, b) => b.score - a.score)
    .slice(0, 5);
}

const app = Fastify({ bodyLimit: 32 * 1024 * 1024 });
app.addContentTypeParser('image/jpeg', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.post('/classify', async ({ body }) => {
  const { logits } = await session.run({ input: await toTensor(body) });
  return { predictions: topFive(logits.data) };
});
app.get('/v2/health/ready', () => ({}));
await session.run({ input: new ort.Tensor('float32', new Float32Array(3 * AREA), [1, 3, 224, 224]) });
await app.listen({ port: Number(port), host: '127.0.0.1' });
