import { badArgument, ResNetError, inspect } from './errors';

/** @throws ERR_ARGUMENT if `value` is not an integer within the bounds */
export function checkInteger(argument: string, value: unknown, min: number, max: number): asserts value is number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw badArgument(argument, `an integer from ${min} to ${max}`, value);
}

/** @throws ERR_ARGUMENT if `value` is not a number within the bounds */
export function checkRange(argument: string, value: unknown, min: number, max: number): asserts value is number {
  if (typeof value === 'number' && value >= min && value <= max) return;
  throw badArgument(argument, `a number from ${min} to ${max}`, value);
}

/** @throws ERR_ARGUMENT if `value` is not a boolean */
export function checkBoolean(argument: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw badArgument(argument, 'a boolean', value);
}

/** @throws ERR_ARGUMENT if `value` is not one of `choices`; an `undefined` among them makes it optional */
export function checkChoice<T>(argument: string, value: unknown, choices: readonly T[]): asserts value is T {
  if ((choices as readonly unknown[]).includes(value)) return;
  const names = choices.filter((choice) => choice !== undefined).map((choice) => `'${String(choice)}'`);
  throw badArgument(argument, `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`, value);
}

/**
 * @param known - the names of all options; without it any name is accepted
 * @throws ERR_ARGUMENT if `options` is not an object, or has an unknown name
 */
export function checkOptionsObject(options: unknown, known?: readonly string[], argument = 'options'): void {
  if (typeof options !== 'object' || options === null) throw badArgument(argument, 'an object', options);
  const unknown = known && Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new ResNetError(
    'ERR_ARGUMENT',
    `${argument} must have no names but ${known?.join(', ') ?? ''}, but got ${inspect(unknown)}.`,
  );
}

/** The signal of some options. @throws ERR_ARGUMENT if it is none, or `options` is not an object */
export function checkSignal(options: { signal?: AbortSignal | undefined }): AbortSignal | undefined {
  checkOptionsObject(options);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badArgument('signal', 'an AbortSignal', signal);
  return signal;
}
