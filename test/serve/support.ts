import type { FastifyInstance } from 'fastify';
import type { NativeExplained } from '../../lib/native/addon';
import { checkPreprocess } from '../../lib/image/preprocess';
import type { Model, Network } from '../../lib/serve/model';
import type { ServerOptions } from '../../lib/serve/options';
import { serverOf } from '../../lib/serve/server';
import { Tensor } from '../../lib/tensor';

/** The fake logits of a row: its first value, its last, their sum, and 0.5. They identify the row. */
export const CLASSES = 4;
export const answerOf = (row: ArrayLike<number>): number[] => {
  const [first, last] = [row[0]!, row[row.length - 1]!];
  return [first, last, first + last, 0.5];
};

/** A fake network that answers at once, or when a test lets it. */
export class FakeNetwork implements Network {
  readonly batches: number[][] = [];
  disposed = false;
  /** Awaited before every result. */
  gate: (x: Tensor) => Promise<void> = () => Promise.resolve();

  async forward(x: Tensor): Promise<Tensor> {
    this.batches.push([...x.shape]);
    await this.gate(x);
    const [count] = x.shape as [number];
    const size = x.size / count;
    const rows = Array.from({ length: count }, (_, i) =>
      answerOf((x.data as Float32Array).subarray(i * size, (i + 1) * size)),
    );
    return new Tensor(Float32Array.from(rows.flat()), [count, CLASSES]);
  }

  async forwardFeatures(x: Tensor): Promise<Tensor> {
    const logits = await this.forward(x);
    return new Tensor(
      logits.toFloat32().map((value) => -value),
      logits.shape,
    );
  }

  /** A map of 2 x 2 for the given class, or for the third. */
  async explain(x: Tensor, index = 2): Promise<NativeExplained> {
    await this.gate(x);
    return {
      logits: new Tensor(Float32Array.of(1, 2, 3, 0.5), [1, CLASSES]),
      classes: new Tensor(BigInt64Array.of(BigInt(index)), [1]),
      maps: new Tensor(Float32Array.of(1, 0, 0, -1), [1, 2, 2]),
    };
  }

  dispose(): void {
    this.disposed = true;
  }
}

export function fakeModel(network: Network, name = 'fake', more: Partial<Model> = {}): Model {
  return {
    name,
    network,
    layers: 18,
    numClasses: CLASSES,
    labels: ['first', 'last', 'sum', 'half: constant'],
    activation: 'softmax',
    dtype: 'float32',
    device: 'cpu',
    preprocess: checkPreprocess({ resize: 8, crop: 8 }),
    streams: 1,
    random: false,
    parameters: 0,
    summary: '',
    ...more,
  };
}

export interface Served {
  app: FastifyInstance;
  url: string;
  network: FakeNetwork;
}

/** A server on a free port, closed when the file's tests are done. */
export async function serve(
  options: Partial<ServerOptions> = {},
  network = new FakeNetwork(),
  more: Partial<Model> = {},
): Promise<Served> {
  const models = [fakeModel(network, 'fake', more)];
  const app = await serverOf({ models: [{ weights: 'random' }], logLevel: 'silent', ...options }, models);
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  while ((await fetch(`${url}/v2/health/ready`)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 5));
  network.batches.length = 0; // the warm-up's batch
  closeAtEnd.push(app);
  return { app, url, network };
}

const closeAtEnd: FastifyInstance[] = [];
afterAll(async () => {
  await Promise.all(closeAtEnd.map((app) => app.close()));
});

/** Sends an infer request in JSON. */
export function infer(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v2/models/fake/infer`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
}
