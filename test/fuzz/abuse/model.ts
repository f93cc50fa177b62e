import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BasicBlock, BottleneckBlock, Module, ResNet, type OptimizedResNet, type Tensor } from '../../../lib/index';

/** Modules by their kind: small blocks, and the smallest ResNet that there is. */
export const KINDS = ['basic', 'bottleneck', 'resnet'] as const;
export type Kind = (typeof KINDS)[number];

export const CHANNELS: Readonly<Record<Kind, number>> = { basic: 2, bottleneck: 4, resnet: 3 };

export function construct(kind: Kind, seed: number): Module {
  if (kind === 'basic') return new BasicBlock(2, 4, 2, { seed });
  return kind === 'bottleneck' ? new BottleneckBlock(4, 8, 1, { seed }) : new ResNet(18, 3, { seed });
}

/** What was started and has yet to be compared. */
interface Pending {
  answer: Promise<Tensor>;
  expected: Float32Array;
  /** It may also end with this reason. */
  reason?: unknown;
}

/** A module, and one of the same seed that gets what changes its state, one step after the other and alone. */
export class Pair {
  readonly real: Module;
  readonly twin: Module;
  fast: OptimizedResNet | undefined;
  disposed = false;
  /** What was aborted is rejected at once, and in flight until its layer ends. */
  aborted = false;
  pending: Pending[] = [];

  constructor(
    readonly kind: Kind,
    seed: number,
  ) {
    this.real = construct(kind, seed);
    this.twin = construct(kind, seed);
  }

  /** Every answer that was started is the right one, or ended as it was told to. */
  async settle(): Promise<void> {
    const pending = this.pending;
    this.pending = [];
    for (const { answer, expected, reason } of pending) {
      try {
        compare((await answer).toFloat32(), expected);
      } catch (error) {
        if (reason === undefined || error !== reason) throw error;
      }
    }
  }
}

/** Bits, and not nearly: what runs beside it changes nothing. */
export function compare(answer: Float32Array, expected: Float32Array): void {
  if (Buffer.compare(bytes(answer), bytes(expected)) === 0) return;
  throw new Error(`a wrong answer: [${answer.slice(0, 4).join(', ')}…] for [${expected.slice(0, 4).join(', ')}…]`);
}

const bytes = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer => Buffer.from(buffer, byteOffset, byteLength);

/** An optimized network's answer, of other kernels than libtorch's. */
export function compareNearly(answer: Float32Array, expected: Float32Array): void {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const off = answer.findIndex((value, i) => !(Math.abs(value - (expected[i] ?? NaN)) <= 1e-3 * largest));
  if (off !== -1 || answer.length !== expected.length)
    throw new Error(`a wrong answer: ${answer[off]} for ${expected[off]}`);
}

export class World {
  readonly pairs: Pair[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'resnet-abuse-'));

  /** One of those that there are, by a number. */
  pair(number: number): Pair {
    return this.pairs[number % this.pairs.length] as Pair;
  }
}
