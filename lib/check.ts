import { badArgument, ResNetError, show } from './errors';

/** @throws ERR_ARGUMENT where `value` is no integer within the bounds */
export function checkInteger(argument: string, value: unknown, least: number, most: number): asserts value is number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw badArgument(argument, `an integer from ${least} to ${most}`, value);
}

/** @throws ERR_ARGUMENT where `value` is none of `choices`; an `undefined` among them makes it optional */
export function checkChoice<T>(argument: string, value: unknown, choices: readonly T[]): asserts value is T {
  if ((choices as readonly unknown[]).includes(value)) return;
  const names = choices.filter((choice) => choice !== undefined).map((choice) => `'${String(choice)}'`);
  throw badArgument(argument, `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`, value);
}

/**
 * @param known - the names that there are; without them any are taken
 * @throws ERR_ARGUMENT where `options` is no object, or has a name that there is not
 */
export function checkOptionsObject(options: unknown, known?: readonly string[], argument = 'options'): void {
  if (typeof options !== 'object' || options === null) throw badArgument(argument, 'an object', options);
  const unknown = known && Object.keys(options).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new ResNetError(
    'ERR_ARGUMENT',
    `${argument} must have no names but ${known?.join(', ') ?? ''}, but got ${show(unknown)}.`,
  );
}
