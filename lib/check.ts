import { badArgument } from './errors';

/** @throws ERR_ARGUMENT where `value` is no integer within the bounds */
export function checkInteger(argument: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw badArgument(argument, `an integer from ${least} to ${most}`, value);
}

/** @throws ERR_ARGUMENT where `options` is no object */
export function checkOptionsObject(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw badArgument('options', 'an object', options);
}
