import { badArgument, ResNetError, inspect } from './errors';

/** @throws ERR_ARGUMENT if `value` is not an integer within the bounds */
export function checkInteger(argument: string, value: unknown, min: number, max: number): asserts value is number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return;
  throw badArgument(argument, `an integer from ${min} to ${max}`, value);
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

/**
 * @param prefix - put before the names in messages, e.g. `preprocess.`
 * @throws ERR_ARGUMENT if `mean` is not three finite numbers, or `std` not three positive ones
 */
export function checkNormalization(
  mean: unknown,
  std: unknown,
  prefix = '',
): { mean: readonly number[]; std: readonly number[] } {
  const isThree = (values: unknown, fits: (value: number) => boolean): boolean =>
    Array.isArray(values) && values.length === 3 && Array.from(values as number[]).every((value) => fits(value));
  if (!isThree(mean, Number.isFinite)) throw badArgument(`${prefix}mean`, 'three finite numbers', mean);
  if (!isThree(std, (value) => Number.isFinite(value) && value > 0)) {
    throw badArgument(`${prefix}std`, 'three positive numbers', std);
  }
  return { mean: Object.freeze([...(mean as number[])]), std: Object.freeze([...(std as number[])]) };
}

/** The signal of some options. @throws ERR_ARGUMENT if it is none, or `options` is not an object */
export function checkSignal(options: { signal?: AbortSignal | undefined }): AbortSignal | undefined {
  checkOptionsObject(options);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badArgument('signal', 'an AbortSignal', signal);
  return signal;
}
