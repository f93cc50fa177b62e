import type { SingleBar } from 'cli-progress';
import type { DownloadProgress } from '../weights/published/download';

/** Shows a progress bar for the downloads in `work`, if stderr is a terminal. */
export async function withDownloadProgress<T>(
  work: (onProgress?: (progress: DownloadProgress) => void) => Promise<T>,
): Promise<T> {
  if (!process.stderr.isTTY) return work();
  const { SingleBar } = await import('cli-progress');
  let bar: SingleBar | undefined;
  try {
    return await work(({ received, total }) => {
      if (bar === undefined) {
        bar = new SingleBar({ format: FORMAT, formatValue: megabytes, stream: process.stderr });
        bar.start(total ?? received, received);
      }
      bar.setTotal(total ?? received);
      bar.update(received);
    });
  } finally {
    bar?.stop();
  }
}

const FORMAT = 'Fetching the weights {bar} {percentage} % | {value} of {total} MB | {eta} s left';

function megabytes(value: number, _: unknown, type: string): string {
  return type === 'value' || type === 'total' ? (value / 1e6).toFixed(1) : String(value);
}
