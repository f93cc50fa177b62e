import type { SingleBar } from 'cli-progress';
import { speaksUnicode } from './bars';

/** A bar on standard error while something long goes on; nothing where that is no terminal. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #began = performance.now();
  #done: number;

  private constructor(
    bar: SingleBar | undefined,
    private readonly total: number,
    private readonly already: number,
  ) {
    this.#bar = bar;
    this.#done = already;
    this.#start();
    process.once('exit', () => this.end()); // where a reader closed our output, for instance
  }

  /**
   * @param what - what is counted, in the plural
   * @param already - how much was done before, in a time that is not known
   */
  static async begin(total: number, what: string, already = 0): Promise<Progress> {
    if (!process.stderr.isTTY || total < 2) return new Progress(undefined, total, already);
    const { SingleBar } = await import('cli-progress');
    const [barCompleteChar, barIncompleteChar] = speaksUnicode() ? ['█', '░'] : ['#', '.'];
    const bar = new SingleBar({
      stream: process.stderr,
      format: `{bar} {value} of {total} ${what}, {left} left`,
      barCompleteChar,
      barIncompleteChar,
      barsize: 24,
      clearOnComplete: true,
      linewrap: true, // as it is: a terminal is left as it was found, however this ends
      emptyOnZero: true,
    });
    return new Progress(bar, total, already);
  }

  add(done: number): void {
    this.#done += done;
    this.#bar?.update(this.#done, this.#payload());
  }

  /** Lets `write` write, to whatever stream: both may be the one terminal, and a bar stands in its last line. */
  aside(write: () => void): void {
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
    const done = this.#done - this.already;
    if (done === 0) return { left: '…' };
    const seconds = Math.ceil(((performance.now() - this.#began) / 1000 / done) * (this.total - this.#done));
    return { left: seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s` };
  }
}
