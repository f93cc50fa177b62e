import { Tensor } from '../../../lib/tensor';
import { ByteWindow } from '../../../lib/weights/formats/byte-window';
import { PLAIN } from '../../../lib/weights/formats/plain-globals';
import { malformedFile } from '../../../lib/weights/formats/malformed';
import { unpickle } from '../../../lib/weights/formats/pickle';
import { findResNet } from '../../../lib/weights/find-resnet';
import { readHeader } from '../../../lib/weights/formats/open';
import { FormatViolation, INERT } from '../../../lib/weights/formats/pickle-values';
import { isRefusedGlobal } from '../../../lib/weights/formats/refused-globals';
import { readValues } from '../../../lib/weights/formats/read';
import { persistentStorage, TORCH } from '../../../lib/weights/formats/torch-values';
import { articleSpec } from '../../../lib/weights/names/article';
import { namesIn } from '../../../lib/weights/names/namings';
import type { TensorInfo } from '../../../lib/weights/names/tensor-info';
import { openZip } from '../../../lib/weights/formats/zip';
import { safetensors } from '../../support/files';
import { pdparams } from '../../support/paddle-files';
import { append, build, construct, global, pickle, reduce, setItems, tuple } from '../../support/pickle';
import { pth, zipPth, rebuilt, type View } from '../../support/torch-files';
import { zip } from '../../support/zip';
import { mutatedJson, type Json } from '../json';
import { memoryFile } from '../memory-file';
import { mutated } from '../mutate';
import type { Random } from '../random';
import type { Target } from '../target';

const PATH = 'fuzzed';

const TENSORS = new Map([
  ['conv.weight', new Tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [1, 2, 3])],
  ['bn.num_batches_tracked', new Tensor(BigInt64Array.of(7n), [])],
  ['half', new Tensor(Uint16Array.of(1, 2), [2], 'float16')],
]);
const FLOATS = new Map([...TENSORS].filter(([name]) => name !== 'bn.num_batches_tracked'));

/** Header and values, as a load reads them. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const file = memoryFile(bytes);
  const { entries } = await readHeader(PATH, file);
  await readValues(PATH, file, entries, (entry, tensor) => {
    if (tensor.size !== entry.shape.reduce((product, dimension) => product * dimension, 1)) throw new Error('size');
  });
}

const text = (words: string): Buffer => Buffer.from(words, 'latin1');

/** The inert value has no state, and no refused global became one. */
function checkInert(names: ReadonlySet<string>): void {
  if (Reflect.ownKeys(INERT).length > 0) throw new Error('the inert value has keys');
  for (const name of names) {
    // Which of the dots divides the module from the name is not known here.
    const ends = [...name.matchAll(/\./g)].map(({ index }) => index);
    if (ends.every((at) => isRefusedGlobal(name.slice(0, at), name.slice(at + 1)))) throw new Error(name);
  }
}

/** Opcodes, and sequences of them that make something. */
const PICKLE_WORDS = [
  ...'.(012NKMJGUTXCB)]lt}dsuaeRbQqrhj'.split('').map(text),
  ...['\x85', '\x86', '\x87', '\x88', '\x8a', '\x8b', '\x8c', '\x8d', '\x8e', '\x8f', '\x90', '\x91', '\x93'].map(text),
  ...['\x94', '\x95', '\x96', '\x81', '\x80\x02', '\x80\x04', 'K\x00', 'K\x01', 'h\x00', 'q\x00', '}(', 'u.', ']('].map(
    text,
  ),
  ...[...TORCH.keys()].map((name) => {
    const dot = name.lastIndexOf('.');
    return text(`c${name.slice(0, dot)}\n${name.slice(dot + 1)}\n`);
  }),
  ...['os\nsystem', 'project\nThing', 'pathlib\nPosixPath', 'torch\nchannels_last', 'functools\nreduce'].map((name) =>
    text(`c${name}\n`),
  ),
  text('\x92'),
];

const VIEW: View = { key: '0', dtype: 'float32', count: 6, shape: [2, 3], strides: [1, 2] };
const STORAGE = new Uint8Array(24).map((_, i) => i);
const PICKLES = [
  ...[2, 4].map((protocol) => pickle(new Map([['w', rebuilt(VIEW)]]), protocol)),
  pickle(new Map([['model', new Map([['w', rebuilt(VIEW)]])]])),
  pickle([reduce(global('collections', 'OrderedDict'), [['a', 1.5]]), -3, 2n ** 70n, null, true, new Uint8Array(5)], 4),
  pickle([
    append(reduce(global('collections', 'deque'), []), 1, 2),
    build(reduce(global('functools', 'partial'), global('project', 'f')), tuple(1, 2)),
    setItems(reduce(global('project', 'Dict')), new Map([['a', 1]])),
    construct(global('project', 'Thing'), [1], new Map([['b', 2]])),
  ]),
  pickle([new Map([['w', rebuilt(VIEW)]]), new Map([['a', new Map([['b', rebuilt(VIEW)]])]])], 4),
  pdparams(FLOATS).subarray(0),
];

const zipRecords = (random: Random): (readonly [string, Uint8Array])[] => [
  ['net/data.pkl', mutated(random.pick(PICKLES), random, PICKLE_WORDS)],
  ['net/byteorder', text(random.pick(['little', 'big', 'middle']))],
  ['net/data/0', STORAGE],
];

const HEADER: Json = {
  __metadata__: { format: 'pt' },
  a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] },
  b: { dtype: 'F16', shape: [], data_offsets: [24, 26] },
};

const ZIPS = [{}, { deflate: true }, { zip64: true }].map((options) => pth(TENSORS, options));
const PTHS = [...ZIPS, zipPth(new Map([['w', rebuilt(VIEW)]]), [[VIEW, STORAGE]], { deflate: true, byteorder: 'big' })];
const LEGACY = pth(TENSORS, { legacy: true });
const PADDLE = [
  ...[2, 4].map((protocol) => pdparams(FLOATS, { protocol })),
  pdparams(FLOATS, { order: '>', fortran: true }),
  pdparams(FLOATS, { protocol: 2, core: 'numpy.core' }),
];

const ZIP_WORDS = ['PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07', '\x01\x00\x18\x00'].map(text);

const NAMES = (['torchvision', 'huggingface', 'paddle'] as const).map((naming) => {
  const spec = articleSpec(18, 3);
  const names = namesIn(
    naming,
    spec.map(({ name }) => name),
  );
  return new Map(spec.map(({ shape }, i): [string, TensorInfo] => [names[i] ?? '', { dtype: 'float32', shape }]));
});
const PREFIXES = ['', 'model.', 'ema.', 'model.net.', '0.', 'fc.', '.', '..', 'student.'];
const HEADS = ['fc.0', 'head', 'head.fc', 'classifier', '1', '9', 'fc', ''];

/** Networks under prefixes, some names of which are changed. */
function mixedNames(random: Random): Map<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  for (let i = random.below(3); i >= 0; i--) {
    const prefix = random.pick(PREFIXES);
    const spoilt = random.chance(0.5) ? 0 : random.below(3) / 200;
    for (const [name, tensor] of random.pick(NAMES)) {
      if (!random.chance(spoilt)) tensors.set(prefix + name, tensor);
    }
    const shape = random.pick([[3, 512], [3], [3, 512, 1, 1], [512, 3]]);
    tensors.set(`${random.pick(PREFIXES)}${random.pick(HEADS)}.weight`, { dtype: 'float32', shape });
  }
  return tensors;
}

/** Entry points that read weight files, each with seeds that its format's writer in test/support makes. */
export const WEIGHT_FILES: readonly Target[] = [
  {
    name: 'safetensors',
    run: (random) => {
      const data = new Uint8Array(random.chance(0.9) ? 26 : random.below(64));
      const file = safetensors(mutatedJson(HEADER, random).toString(), data);
      return readAll(random.chance(0.3) ? mutated(file, random) : file);
    },
  },
  {
    name: 'pickle',
    run: async (random) => {
      const bytes = mutated(random.pick(PICKLES), random, PICKLE_WORDS);
      const fail = (what: string) => malformedFile(PATH, 'pickle', what);
      const window = new ByteWindow(memoryFile(bytes), 0, bytes.length, () => fail('ends early'));
      const rules = random.chance(0.9) ? { globals: TORCH, persistent: persistentStorage } : { globals: PLAIN };
      const inert = new Set<string>();
      const collect = random.chance(0.9) ? { inert } : {};
      try {
        await unpickle(window, { ...rules, ...collect, fail, path: PATH });
      } catch (error) {
        checkInert(inert);
        throw error;
      }
      checkInert(inert);
    },
  },
  {
    name: 'zip',
    run: async (random) => {
      const bytes = mutated(random.pick(ZIPS), random, ZIP_WORDS);
      const archive = await openZip(PATH, memoryFile(bytes));
      for (const record of archive.records.values()) await archive.locate(record);
    },
  },
  {
    name: 'pth',
    run: (random) => {
      const options = { deflate: random.chance(0.3), ...(random.chance(0.2) ? { crc: 0 } : {}) };
      // Most often the archive is whole and what it holds is not: otherwise its checksums would be all that is tried.
      return readAll(
        random.chance(0.7) ? zip(zipRecords(random), options) : mutated(random.pick(PTHS), random, ZIP_WORDS),
      );
    },
  },
  {
    name: 'names',
    run: (random) => {
      const dicts = Array.from({ length: 1 + random.below(3) }, (_, i) => ({
        place: i === 0 ? '' : `${random.pick(['state_dict', 'model_ema', 'student', 'x'])}.`,
        tensors: mixedNames(random),
      }));
      const size = dicts.reduce((sum, { tensors }) => sum + tensors.size, 0);
      const prefix = random.chance(0.3) ? random.pick(PREFIXES) : undefined;
      let found;
      try {
        found = findResNet(PATH, dicts, { prefix, naming: 'auto' });
      } catch (error) {
        if (error instanceof FormatViolation) return; // the readers add the file to it
        throw error;
      }
      if (found.tensors.size + found.foreign.length > size) throw new Error('tensors from nowhere');
    },
  },
  { name: 'pth-legacy', run: (random) => readAll(mutated(LEGACY, random, PICKLE_WORDS)) },
  { name: 'pdparams', run: (random) => readAll(mutated(random.pick(PADDLE), random, PICKLE_WORDS)) },
];
