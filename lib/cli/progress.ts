import type { SingleBar } from 'cli-progress';
import { supportsUnicode } from './bars';

/** A progress bar on standard error, shown on a terminal only. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #startedAt = performance.now();
  #done: number;

  private constructor(
    bar: SingleBar | undefined,
    private readonly total: number,
    private readonly initial: number,
  ) {
    this.#bar = bar;
    this.#done = initial;
    this.#start();
    process.once('exit', () => this.end()); // for instance because a reader closed our output
  }

  /**
   * @param unit - plural, for instance 'pictures'
   * @param initial - how many were done before; they do not count for the time left
   */
  static async begin(total: number, unit: string, initial = 0): Promise<Progress> {
    if (!process.stderr.isTTY || total < 2) return new Progress(undefined, total, initial);
    const { SingleBar } = await import('cli-progress');
    const [barCompleteChar, barIncompleteChar] = supportsUnicode() ? ['█', '░'] : ['#', '.'];
    const bar = new SingleBar({
      stream: process.stderr,
      format: `{bar} {value} of {total} ${unit}, {left} left`,
      barCompleteChar,
      barIncompleteChar,
      barsize: 24,
      clearOnComplete: true,
      linewrap: true, // does not change the terminal's settings, which a crash would leave behind
      emptyOnZero: true,
    });
    return new Progress(bar, total, initial);
  }

  add(done: number): void {
    this.#done += done;
    this.#bar?.update(this.#done, this.#payload());
  }

  /** Calls `write`, which may print to any stream, with the bar out of the way. */
  writeAround(write: () => void): void {
    this.#bar?.stop();
    write();
    this.#start();
  }

  end(): void {
    this.#bar?.stop();
  }

  #start(): void {
    this.#bar?.start(this.total, this.#done, this.#payload());
  }

  #payload(): { left: string } {
    const done = this.#done - this.initial;
    if (done === 0) return { left: '…' };
    const seconds = Math.ceil(((performance.now() - this.#startedAt) / 1000 / done) * (this.total - this.#done));
    return { left: seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s` };
  }
}
