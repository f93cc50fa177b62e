import { ResNet, Tensor, type Layers } from '../../lib/index';

/**
 * A network that accuracy can be judged by. Random weights alone make bad judges: the logits of two pictures hardly
 * differ, so that an answer which ignores its input would pass. Here each block's last batch norm is turned down to
 * 0.25, and the statistics are those of seeded pictures.
 */
export async function judgedNetwork(layers: Layers): Promise<ResNet> {
  const net = new ResNet(layers, 1000, { seed: 7 });
  const state = net.stateDict();
  const last = layers >= 50 ? 'conv_bn_block3.1.weight' : 'conv_bn_block2.1.weight';
  for (const [name, { data }] of state) if (name.endsWith(last)) (data as Float32Array).fill(0.25);
  net.loadStateDict(state);
  net.train();
  for (let i = 0; i < 3; i++) await net.forward(pictures(8, 100 + i));
  return net.eval();
}

/** Smooth colored patterns, roughly as normalized photographs are distributed: float32 [n, 3, size, size]. */
export function pictures(n: number, seed: number, size = 160): Tensor {
  const next = random(seed);
  const plane = size * size;
  const data = new Float32Array(n * 3 * plane);
  for (let picture = 0; picture < n; picture++) {
    const planes = [0, 1, 2].map((c) => data.subarray((picture * 3 + c) * plane, (picture * 3 + c + 1) * plane));
    planes.forEach((values) => values.fill(next() * 2 - 1));
    for (let wave = 0; wave < 10; wave++) {
      const [across, down, phase] = [next() * 0.2, next() * 0.2, next() * 6.28];
      const heights = planes.map(() => next() - 0.5);
      for (let i = 0; i < plane; i++) {
        const height = Math.sin(across * (i % size) + down * Math.floor(i / size) + phase);
        for (let c = 0; c < 3; c++) planes[c]![i]! += height * heights[c]!;
      }
    }
  }
  return new Tensor(data, [n, 3, size, size]);
}

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Largest difference of two answers, over the largest of the first. */
export function relativeDifference(expected: Tensor, answer: Tensor): number {
  const [a, b] = [expected.toFloat32(), answer.toFloat32()];
  let [difference, largest] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
    largest = Math.max(largest, Math.abs(a[i]!));
  }
  return difference / largest;
}

/** The cosine of two answers once the mean answer of `expected` is taken from both: what tells pictures apart. */
export function centeredCosine(expected: Tensor, answer: Tensor): number {
  const [rows, columns] = expected.shape as [number, number];
  const [a, b] = [expected.toFloat32(), answer.toFloat32()];
  let [ab, aa, bb] = [0, 0, 0];
  for (let k = 0; k < columns; k++) {
    let mean = 0;
    for (let n = 0; n < rows; n++) mean += a[n * columns + k]! / rows;
    for (let n = 0; n < rows; n++) {
      const [x, y] = [a[n * columns + k]! - mean, b[n * columns + k]! - mean];
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
  }
  return ab / Math.sqrt(aa * bb);
}
