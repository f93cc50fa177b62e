/** Access to a module's internals for the rest of the package, not for users. */
import { checkSignal } from './check';
import { badArgument } from './errors';
import { Module, type ForwardOptions } from './module';
import {
  callNative,
  type NativeFileEntry,
  type NativeJob,
  type NativeModule,
  type NativeRow,
  type NativeTensor,
} from './native/addon';
import { checkInputShape, toNativeInput } from './native/input';
import { awaitNative, runJob } from './native/job';
import { toNativeEntries } from './native/tensors';
import type { Tensor } from './tensor';

/**
 * Runs a forward of another kind than {@link Module.forward}.
 *
 * @param start - the native job over the checked input
 */
export async function runForward<T>(
  module: Module,
  x: Tensor,
  options: ForwardOptions,
  start: (handle: NativeModule, input: NativeTensor) => NativeJob<T>,
): Promise<T> {
  const { handle, inputChannels } = Module.internals(module);
  const signal = checkSignal(options);
  const input = toNativeInput(x, inputChannels);
  return runJob(() => start(handle, input), signal);
}

/**
 * The layers of a forward over `inputShape` in order of execution, without the module itself.
 *
 * @throws ERR_SHAPE
 */
export function traceModule(module: Module, inputShape: readonly number[]): NativeRow[] {
  if (!(module instanceof Module)) throw badArgument('module', 'a ResNet, BasicBlock or BottleneckBlock', module);
  const { handle, inputChannels } = Module.internals(module);
  checkInputShape(inputShape, inputChannels, 'inputSize');
  return callNative(() => handle.trace(inputShape));
}

/** Fills a module's parameters from extents of a file, off the event loop. */
export async function readStateInto(module: Module, path: string, entries: readonly NativeFileEntry[]): Promise<void> {
  const { handle } = Module.internals(module);
  await awaitNative(() => handle.readState(path, entries));
}

/** Writes some of a module's tensors, by their article names. */
export function loadValuesInto(module: Module, values: readonly (readonly [string, Tensor])[]): void {
  const { handle } = Module.internals(module);
  callNative(() => handle.loadState(toNativeEntries(values)));
}
