import { Random } from './random';
import { isPromised, type Target } from './target';

export interface Range {
  seed: number;
  from: number;
  executions: number;
  /** Ends by this time, by performance.now(), whatever is left. */
  until?: number;
  /** Called before each execution. */
  onExecution?: (execution: number) => void;
}

/** An execution that broke the promise. */
export interface Finding {
  execution: number;
  error: unknown;
}

const MAX_MS = 5_000;
const LOOK_EVERY = 256;

/** Runs executions one after the other up to the first finding. */
export async function runTarget(
  { prepare, run, bare = false, most = MAX_MS }: Target,
  { seed, from, executions, until = Infinity, onExecution }: Range,
): Promise<{ executions: number; finding?: Finding }> {
  await prepare?.();
  let last = performance.now();
  for (let execution = from; execution < from + executions; execution++) {
    onExecution?.(execution);
    try {
      await run(new Random(seed, execution));
    } catch (error) {
      if (!isPromised(error, bare)) return { executions: execution - from + 1, finding: { execution, error } };
    }
    const now = performance.now();
    if (now - last > most) {
      const error = new Error(`took ${Math.round(now - last)} ms, and ${most} are allowed`);
      return { executions: execution - from + 1, finding: { execution, error } };
    }
    last = now;
    if (now > until) return { executions: execution - from + 1 };
    // Lets finalizers and timers have their turn: a loop of settled promises never does.
    if (execution % LOOK_EVERY === 0) await new Promise(setImmediate);
  }
  return { executions };
}
