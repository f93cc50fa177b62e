import type { Spelling } from './spellings';
import type { TensorInfo } from './tensor-info';
import { storesTransposed } from './namings';

/** The layers behind the backbone, as far as their names tell. */
export interface Head {
  /** All of their tensors, by the file's names. */
  names: readonly string[];
  /** The weights of its Linears. */
  linears: readonly string[];
  /** Present if it is one Linear of the right width, and nothing else that has tensors. */
  linear?: { weight: string; bias: string | undefined };
  /** Outputs of the last Linear. */
  classes: number;
}

/** Names of classifiers in common programs. `head.fc` and a Sequential's `fc.0` are within these. */
const MEMBERS = ['fc', 'head', 'classifier', 'last_linear'];
const MAX_LEVELS = 8;

/**
 * Finds the head that belongs to a backbone: under the same prefix, or else beside it, the nearest level first.
 *
 * @param prefix - of the backbone's names
 * @param isBackbone - tells the backbone's own tensors
 */
export function findHead(
  tensors: ReadonlyMap<string, TensorInfo>,
  prefix: string,
  spelling: Spelling,
  isBackbone: (name: string) => boolean,
): Head | undefined {
  const others = [...tensors.keys()].filter((name) => !isBackbone(name));
  const width = tensors.get(prefix + spelling.lastConvolution)?.shape[0];
  const within = others.filter(
    (name) => name.startsWith(prefix) && isMember(name.slice(prefix.length), spelling.lastStage),
  );
  const head = describe(within, tensors, spelling, width);
  if (head !== undefined) return head;
  const levels = prefix.split('.').slice(0, -1);
  for (let depth = levels.length - 1; depth >= Math.max(0, levels.length - MAX_LEVELS); depth--) {
    const level = levels
      .slice(0, depth)
      .map((part) => `${part}.`)
      .join('');
    // The backbone is an item of a Sequential, and the head is what follows it.
    const position = /^\d{1,6}$/.test(levels[depth] ?? '') ? Number(levels[depth]) : undefined;
    const beside = others.filter(
      (name) => !name.startsWith(prefix) && name.startsWith(level) && isMember(name.slice(level.length), position),
    );
    const found = describe(beside, tensors, spelling, width);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** @param after - items of a Sequential behind this position count as well */
function isMember(name: string, after: number | undefined): boolean {
  const first = name.slice(0, name.indexOf('.'));
  return MEMBERS.includes(first) || (after !== undefined && /^\d{1,6}$/.test(first) && Number(first) > after);
}

function describe(
  names: readonly string[],
  tensors: ReadonlyMap<string, TensorInfo>,
  { naming }: Spelling,
  width: number | undefined,
): Head | undefined {
  const shapeOf = (name: string): readonly number[] => tensors.get(name)?.shape ?? [];
  const linears = names.filter((name) => shapeOf(name).length === 2);
  const last = linears.at(-1);
  if (last === undefined) return undefined;
  const [outputs, inputs] = storesTransposed(naming) ? [1, 0] : [0, 1];
  const classes = shapeOf(last)[outputs] ?? 0;
  const bias = last.replace(/weight$/, 'bias');
  const fits = width === undefined || shapeOf(last)[inputs] === width;
  const isLinear = fits && last.endsWith('.weight') && names.every((name) => name === last || name === bias);
  if (!isLinear) return { names, linears, classes };
  return { names, linears, classes, linear: { weight: last, bias: names.includes(bias) ? bias : undefined } };
}
