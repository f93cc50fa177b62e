import { edge, mutated } from './mutate';
import type { Random } from './random';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const STRINGS = [
  '',
  'a',
  '__proto__',
  'constructor',
  'length',
  'toString',
  '\u0000',
  '\ud800',
  'ÿ',
  '0',
  '-1',
  '1e400',
];

function leaf(random: Random): Json {
  switch (random.below(7)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return edge(random);
    case 3:
      return random.pick([-1, -0, 0.5, 1e308, 5e-324, -(2 ** 53), 2 ** 64]);
    case 4:
      return random.pick(STRINGS);
    case 5:
      return Array.from({ length: random.below(5) }, () => edge(random));
    default:
      return { [random.pick(STRINGS)]: edge(random) };
  }
}

/** A value with one of its parts replaced, left out, added or renamed, by structure; the original stays as it is. */
export function mutatedValue(value: Json, random: Random, depth = 0): Json {
  if (typeof value !== 'object' || value === null || random.chance(0.1)) return leaf(random);
  const entries: [string, Json][] = Object.entries(value);
  const i = random.below(entries.length);
  if (entries.length > 0 && depth < 8) {
    const [name, part] = entries[i] as [string, Json];
    if (random.chance(0.75)) entries[i] = [name, mutatedValue(part, random, depth + 1)];
    else if (random.chance(0.4)) entries.splice(i, 1);
    else if (random.chance(0.5)) entries.push([`${name}${random.pick(STRINGS)}`, part]);
    else entries[i] = [random.pick(STRINGS), part];
  } else entries.push([random.pick(STRINGS), leaf(random)]);
  if (Array.isArray(value)) return entries.map(([, part]) => part);
  return Object.fromEntries(entries);
}

/** A JSON text near a value: changed by structure, and now and then in its bytes as well. */
export function mutatedJson(value: Json, random: Random): Buffer {
  let changed = mutatedValue(value, random);
  while (random.chance(0.3)) changed = mutatedValue(changed, random);
  const text = Buffer.from(JSON.stringify(changed));
  return random.chance(0.25) ? mutated(text, random, WORDS) : text;
}

const WORDS = ['{', '}', '[', ']', ',', ':', '"', '\\u0061', 'null', '1e999', '\\', '{"a":1,"a":2}'].map((word) =>
  Buffer.from(word),
);
