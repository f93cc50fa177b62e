import { writeSync } from 'node:fs';

/** Writes a line to standard output before anything else happens, however long whoever reads it takes. */
export function say(line: string): void {
  let rest = Buffer.from(`${line.replaceAll('\n', ' | ')}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10); // a full pipe
    }
  }
}
