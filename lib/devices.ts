import { badArgument, bounded } from './errors';
import { addon, callNative } from './native/addon';

/**
 * Where a module computes. 'cuda' is 'cuda:0'. A module on 'meta' has shapes but no values: it needs no memory, and
 * works for summaries and counts, but cannot run.
 */
export type Device = 'cpu' | 'cuda' | `cuda:${number}` | 'meta';

/** The devices that modules can be made on. */
export interface DeviceInfo {
  /** 'cpu' or 'cuda:N'. */
  name: Device;
  /** The GPU's name, or the CPU instructions that libtorch uses. */
  description: string;
  /** Bytes of a GPU's memory; 0 for the CPU. */
  memory: number;
}

/** Lists the CPU and, if CUDA is available, each GPU. Loads libtorch's CUDA part if it is installed. */
export function devices(): DeviceInfo[] {
  return callNative((binding) => binding.devices()) as DeviceInfo[];
}

/** Whether CUDA can be used, and the reason if it cannot. */
export function cudaStatus(): { available: boolean; reason: string } {
  const { available, reason } = addon().cudaStatus();
  return { available, reason: bounded(reason) };
}

/** Checks only the type; the addon checks whether the device exists. @throws ERR_DEVICE */
export function checkDevice(device: unknown): asserts device is Device {
  if (typeof device !== 'string') throw badArgument('device', "'cpu', 'cuda' or 'cuda:N'", device, 'ERR_DEVICE');
}
