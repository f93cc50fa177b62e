import { callNative, fromNativeError, type Addon, type NativeJob } from './addon';

/**
 * Starts a native job and awaits it under a signal: settles once, and drops the result if it was aborted.
 *
 * @throws what the job fails with, with the caller's stack; or the signal's reason
 *
 * @example
 * const cropped = await runJob((binding) => binding.resizeAndCrop([picture], preprocess), signal);
 */
export async function runJob<T>(start: (binding: Addon) => NativeJob<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  const stack = callerStack();
  const job = callNative(start);
  let onAbort: (() => void) | undefined;
  try {
    if (signal === undefined) return await job.promise;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        job.cancel();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
    return await Promise.race([job.promise, aborted]);
  } catch (error) {
    throw fromNativeError(error, stack);
  } finally {
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    job.promise.catch(() => undefined); // an aborted job rejects later, when nobody awaits it
  }
}

/** Awaits native work that cannot be canceled. @throws as {@link runJob} */
export function awaitNative(start: (binding: Addon) => Promise<void>): Promise<void> {
  return runJob((binding) => ({ promise: start(binding), cancel: () => undefined }));
}

/** The stack frames of the package's caller, for errors that arrive through the event loop. */
function callerStack(): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callerStack);
  return (holder.stack ?? '').split('\n').slice(1).join('\n');
}
