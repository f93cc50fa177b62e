import { ResNetError, inspect } from '../errors';
import { rankOf, chooseMain, AVERAGED, type StateDict } from './formats/checkpoint';
import { findHead, type Head } from './names/head';
import { namesIn, type Naming } from './names/namings';
import { SPELLINGS, type Spelling } from './names/spellings';
import type { TensorInfo } from './names/tensor-info';

/** The ResNet in a file: which of its tensors, and by which names they are known. */
export interface FoundResNet<T extends TensorInfo> {
  /** By their names without prefix, in one of the namings. The head is left out if it is not a single Linear. */
  tensors: Map<string, T>;
  /** Absent if no ResNet was recognized; then the tensors are those that the file is about, for messages. */
  backbone?: { head: Head | undefined };
  /** Names in the file of the tensors beside it, which belong to something else. */
  foreign: string[];
  /** Where other complete ResNets are, if the choice between them was made by the usual names. */
  others: string[];
  /** Where it is, as a prefix. */
  at: string;
}

/** A state dict, of which a prefix may be taken off already. */
interface Scope<T extends TensorInfo> extends StateDict<T> {
  taken: string;
}

interface Candidate<T extends TensorInfo> {
  dict: Scope<T>;
  prefix: string;
  spelling: Spelling;
  /** Whether all tensors are there that every ResNet has. */
  complete: boolean;
}

/** Parts of detectors and segmentations; their backbones may be dilated, which no tensor's name or shape tells. */
const DENSE = new RegExp(
  '(^|\\.)(rpn|rpn_head|roi_heads?|fpn|decode_head|auxiliary_head|aux_classifier|bbox_head|mask_head|seg_head|' +
    'segmentation_head|decoder|bbox_embed|query_embed|neck\\.(lateral|fpn)_convs)\\.',
);
const CONVOLUTIONAL_HEAD = /(^|\.)(classifier|head)\.(\w+\.)*weight$/;

/**
 * Finds the one ResNet in a file's state dicts, under whatever prefix.
 *
 * @param subject - the file, for messages
 * @param prefix - what the names must begin with; undefined: whatever leaves a ResNet's names
 * @throws ERR_WEIGHTS_MISMATCH if there are several, or if no name begins with the prefix
 */
export function findResNet<T extends TensorInfo>(
  subject: string,
  dicts: readonly StateDict<T>[],
  { prefix, naming }: { prefix: string | undefined; naming: Naming | 'auto' },
): FoundResNet<T> {
  const within =
    prefix === undefined ? dicts.map((dict) => ({ ...dict, taken: '' })) : withPrefix(subject, dicts, prefix);
  const spellings = SPELLINGS.filter((spelling) => naming === 'auto' || spelling.naming === naming);
  const anchored = within.flatMap((dict) => candidatesIn(dict, spellings));
  const complete = anchored.filter((candidate) => candidate.complete);
  const best = Math.min(...complete.map(({ dict }) => rankOf(dict)));
  const ranked = complete.filter(({ dict }) => rankOf(dict) === best);
  const exact = ranked.filter((candidate) => candidate.prefix === '');
  const preferred = prefix !== undefined && exact.length === 1 ? exact : ranked;
  if (preferred.length > 1) throw ambiguous(subject, preferred);
  const [chosen = anchored[0]] = preferred;
  if (chosen === undefined) return { tensors: new Map(chooseMain(within)), foreign: [], others: [], at: '' };
  const found = tensorsOf(
    chosen,
    complete.filter(({ dict }) => dict === chosen.dict).map((candidate) => candidate.prefix),
  );
  if (prefix === undefined && chosen.complete) refuseDense(subject, found.foreign, chosen.dict.tensors);
  const others = complete.filter((candidate) => candidate !== chosen).map(placeOf);
  return { ...found, others };
}

/** The dicts with only the names that begin with a prefix, which is taken off. It may include the dict's own place. */
function withPrefix<T extends TensorInfo>(subject: string, dicts: readonly StateDict<T>[], given: string): Scope<T>[] {
  const prefix = given === '' || given.endsWith('.') ? given : `${given}.`;
  const within = dicts.map(({ place, tensors }) => {
    const byName = withoutPrefix(tensors, prefix, '');
    if (byName.size > 0) return { place, tensors: byName, taken: prefix };
    return { place: '', tensors: withoutPrefix(tensors, prefix, place), taken: prefix };
  });
  const found = within.filter(({ tensors }) => tensors.size > 0);
  if (found.length > 0) return found;
  const examples = dicts.flatMap(({ place, tensors }) => [...tensors.keys()].slice(0, 2).map((name) => place + name));
  throw new ResNetError(
    'ERR_WEIGHTS_MISMATCH',
    `${subject} has no tensor whose name begins with the prefix ${inspect(prefix)}; it has ${examples.slice(0, 4).join(', ')}, and so on.`,
  );
}

function withoutPrefix<T>(tensors: ReadonlyMap<string, T>, prefix: string, place: string): Map<string, T> {
  const rest = [...tensors].filter(([name]) => (place + name).startsWith(prefix));
  return new Map(rest.map(([name, tensor]) => [(place + name).slice(prefix.length), tensor]));
}

/** All prefixes under which a dict may have a ResNet, each with the first spelling that fits. */
function candidatesIn<T extends TensorInfo>(dict: Scope<T>, spellings: readonly Spelling[]): Candidate<T>[] {
  const candidates: Candidate<T>[] = [];
  for (const name of dict.tensors.keys()) {
    let first: Candidate<T> | undefined;
    for (const spelling of spellings) {
      const prefix = name.slice(0, name.length - spelling.anchor.length);
      if (prefix + spelling.anchor !== name || (prefix !== '' && !prefix.endsWith('.'))) continue;
      const complete = spelling.required.every((required) => dict.tensors.has(prefix + required));
      if (first === undefined || (complete && !first.complete)) first = { dict, prefix, spelling, complete };
    }
    if (first !== undefined) candidates.push(first);
  }
  return candidates;
}

/** @param prefixes - of all ResNets in the dict; another one below this one is none of its tensors */
function tensorsOf<T extends TensorInfo>(
  candidate: Candidate<T>,
  prefixes: readonly string[],
): Omit<FoundResNet<T>, 'others'> {
  const { dict, prefix, spelling } = candidate;
  const below = prefixes.filter((other) => other !== prefix && other.startsWith(prefix));
  const isForeign = (name: string): boolean =>
    !name.startsWith(prefix) || below.some((other) => name.startsWith(other));
  const isBackbone = (name: string): boolean =>
    below.some((other) => name.startsWith(other)) ||
    (name.startsWith(prefix) && BACKBONE.test(spelling.read(name.slice(prefix.length))));
  const head = findHead(dict.tensors, prefix, spelling, isBackbone);
  const inHead = new Set(head?.names);
  const tensors = new Map<string, T>();
  const foreign: string[] = [];
  for (const [name, tensor] of dict.tensors) {
    if (inHead.has(name)) continue;
    if (isForeign(name)) {
      if (name !== AVERAGED) foreign.push(name);
      continue;
    }
    const rest = name.slice(prefix.length);
    const read = spelling.read(rest);
    tensors.set(read !== rest && dict.tensors.has(prefix + read) ? rest : read, tensor);
  }
  if (head?.linear !== undefined) {
    const { weight, bias } = head.linear;
    const [weightName, biasName] = namesIn(spelling.naming, ['fc.weight', 'fc.bias']) as [string, string];
    tensors.set(weightName, dict.tensors.get(weight) as T);
    if (bias !== undefined) tensors.set(biasName, dict.tensors.get(bias) as T);
  } else {
    foreign.push(...inHead);
  }
  return { tensors, foreign, at: placeOf(candidate), backbone: { head } };
}

/** Names of a backbone's tensors, in any naming. */
const BACKBONE = /^(conv|conv1|bn|bn1|layer\d|residual_block|resnet\.(embedder|encoder))\./;

const placeOf = ({ dict, prefix }: Candidate<TensorInfo>): string => dict.place + dict.taken + prefix;

function ambiguous(subject: string, candidates: readonly Candidate<TensorInfo>[]): ResNetError {
  // Within one dict its place says nothing, and the prefix is shorter without it.
  const [{ dict }] = candidates as [Candidate<TensorInfo>];
  const single = candidates.every((candidate) => candidate.dict === dict);
  const places = candidates.map((one) => inspect(single ? dict.taken + one.prefix : placeOf(one)));
  return new ResNetError(
    'ERR_WEIGHTS_MISMATCH',
    `${subject} holds ${candidates.length} ResNets, with names that begin with ${places.slice(0, 10).join(' and ')}: ` +
      'choose one with the option prefix (--prefix).',
  );
}

function refuseDense(subject: string, foreign: readonly string[], tensors: ReadonlyMap<string, TensorInfo>): void {
  const name = foreign.find(
    (name) => DENSE.test(name) || (CONVOLUTIONAL_HEAD.test(name) && tensors.get(name)?.shape.length === 4),
  );
  if (name === undefined) return;
  throw new ResNetError(
    'ERR_UNSUPPORTED_MODEL',
    `${subject} holds no plain ResNet, the only kind supported: it looks like the backbone of a detector or a ` +
      `segmentation, with ${name} beside it. If that backbone is not dilated, the option prefix (--prefix) selects it.`,
  );
}
