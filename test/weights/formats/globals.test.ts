import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { readWeights, Tensor, type ResNetError } from '../../../lib/index';
import { ByteWindow, memorySource } from '../../../lib/weights/formats/byte-window';
import { malformedFile } from '../../../lib/weights/formats/malformed';
import { openWeights } from '../../../lib/weights/formats/open';
import { unpickle } from '../../../lib/weights/formats/pickle';
import { INERT } from '../../../lib/weights/formats/pickle-values';
import { isRefusedGlobal } from '../../../lib/weights/formats/refused-globals';
import { persistentStorage, TORCH } from '../../../lib/weights/formats/torch-values';
import { temporaryFolder, written } from '../../support/files';
import { array } from '../../support/paddle-files';
import {
  append,
  build,
  construct,
  global,
  persistent,
  pickle,
  raw,
  reduce,
  setItems,
  tuple,
  type Pickled,
} from '../../support/pickle';
import { bytesOf, legacyPth, rebuilt, zipPth, type View } from '../../support/torch-files';

const folder = temporaryFolder();
const file = (bytes: Uint8Array): string => written(folder, 'weights.pth', bytes);

const VIEW: View = { key: '0', dtype: 'float32', count: 2, shape: [2], strides: [1] };
const TENSOR = new Tensor([3, 4], [2]);
const STORAGES = [[VIEW, bytesOf(TENSOR)]] as const;
const STATE = (legacy: boolean): Pickled => new Map([['w', rebuilt(VIEW, legacy)]]);

/** A checkpoint with a state dict and something beside it, in PyTorch's formats and protocols. */
const beside = (value: Pickled): Buffer[] => {
  const root = (legacy: boolean): Pickled =>
    new Map<Pickled, Pickled>([
      ['state_dict', STATE(legacy)],
      ['beside', value],
    ]);
  return [
    zipPth(root(false), STORAGES),
    zipPth(root(false), STORAGES, { protocol: 4 }),
    legacyPth(root(true), STORAGES),
  ];
};

const refusal = (bytes: Uint8Array): Promise<string> =>
  readWeights(file(bytes)).then(
    () => 'read',
    (error: unknown) => `${(error as ResNetError).code} ${(error as ResNetError).message}`,
  );

async function unpickled(value: Pickled, protocol = 2): Promise<[value: unknown, inert: string[]]> {
  const bytes = pickle(value, protocol);
  const fail = (problem: string): ResNetError => malformedFile('x', 'pickle', problem);
  const window = new ByteWindow(memorySource(bytes), 0, bytes.length, () => fail('ends early'));
  const inert = new Set<string>();
  const rules = { globals: TORCH, persistent: persistentStorage, inert, fail, path: 'x' };
  return [await unpickle(window, rules), [...inert]];
}

describe('plain objects beside a state dict are left out', () => {
  const date = new Uint8Array([7, 232, 1, 2, 3, 4, 5, 0, 0, 0]);
  const enumMember = reduce(global('project.config', 'Stage'), 'train');
  const state = new Map<Pickled, Pickled>([['lr', 0.1]]);
  const cases: [string, Pickled, string[]][] = [
    ['PosixPath', reduce(global('pathlib', 'PosixPath'), 'runs', '1'), ['pathlib.PosixPath']],
    ['datetime', reduce(global('datetime', 'datetime'), date), ['datetime.datetime']],
    ['timedelta', reduce(global('datetime', 'timedelta'), 1, 2, 3), ['datetime.timedelta']],
    ['SimpleNamespace', build(reduce(global('types', 'SimpleNamespace')), state), []],
    ['Namespace', build(reduce(global('argparse', 'Namespace')), state), []],
    ['deque', append(reduce(global('collections', 'deque'), [], 5), 1, 2), ['collections.deque']],
    ['Counter', reduce(global('collections', 'Counter'), new Map([[30, 1]])), ['collections.Counter']],
    ['complex', reduce(global('__builtin__', 'complex'), 1, 2), []],
    ['Decimal', reduce(global('decimal', 'Decimal'), '0.1'), ['decimal.Decimal']],
    ['Fraction', reduce(global('fractions', 'Fraction'), '1/3'), ['fractions.Fraction']],
    ['UUID', build(raw('cuuid\nUUID\n)\x81'), new Map([['int', 2n ** 100n]])), ['uuid.UUID']],
    [
      'TorchVersion',
      reduce(global('torch.torch_version', 'TorchVersion'), '2.15'),
      ['torch.torch_version.TorchVersion'],
    ],
    ['torch.device', reduce(global('torch', 'device'), 'cuda', 0), []],
    ['torch.dtype', global('torch', 'bfloat16'), []],
    ['torch.memory_format', global('torch', 'channels_last'), ['torch.channels_last']],
    ['torch.layout', reduce(global('torch.serialization', '_get_layout'), 'torch.strided'), []],
    [
      'functools.partial',
      build(
        reduce(global('functools', 'partial'), global('torch.nn.modules.normalization', 'LayerNorm')),
        tuple(global('torch.nn.modules.normalization', 'LayerNorm'), tuple(), new Map([['eps', 1e-6]]), null),
      ),
      ['torch.nn.modules.normalization.LayerNorm'],
    ],
    ["an enum's member", enumMember, ['project.config.Stage']],
    ['a dict of enum members', new Map<Pickled, Pickled>([[enumMember, 1]]), ['project.config.Stage']],
    ['a nested class', global('__main__', 'Config'), ['__main__.Config']],
    ['a numpy dtype', reduce(global('numpy.dtypes', 'Float32DType')), ['numpy.dtypes.Float32DType']],
    ['an older numpy dtype', build(reduce(global('numpy', 'dtype'), 'f8', false, true), tuple(3, '<')), []],
    ['a numpy scalar', reduce(global('numpy.core.multiarray', 'scalar'), global('numpy', 'dtype'), date), []],
    [
      "numpy's random state",
      build(
        reduce(
          global('numpy.random._pickle', '__randomstate_ctor'),
          reduce(global('numpy.random._pickle', '__bit_generator_ctor'), 'MT19937'),
        ),
        new Map<Pickled, Pickled>([['state', new Map([['key', array([2], 'u4', new Uint8Array(8))]])]]),
      ),
      ['numpy.random._pickle.__randomstate_ctor', 'numpy.random._pickle.__bit_generator_ctor'],
    ],
    ['types of arguments', [global('builtins', 'int'), global('builtins', 'float'), global('builtins', 'str')], []],
    [
      "Lightning's hyper_parameters",
      setItems(raw('clightning_fabric.utilities.data\nAttributeDict\n)\x81'), state as Map<Pickled, Pickled>),
      ['lightning_fabric.utilities.data.AttributeDict'],
    ],
  ];

  test.each(cases)('%s', async (_name, value, inert) => {
    for (const bytes of beside(value)) {
      const path = file(bytes);
      expect(await readWeights(path)).toEqual(new Map([['w', TENSOR]]));
      expect((await openWeights(path)).inert).toEqual(inert);
    }
  });

  test('keyword arguments', async () => {
    const value = construct(global('project', 'Options'), [1], new Map([['lr', 0.1]]));
    expect(await unpickled(value, 4)).toEqual([INERT, ['project.Options']]);
    const known = construct(global('collections', 'OrderedDict'), [], new Map());
    await expect(unpickled(known, 4)).rejects.toMatchObject({ code: 'ERR_WEIGHTS_FORMAT' });
  });
});

describe('the inert value', () => {
  const made = reduce(global('project', 'Thing'), 1);

  test('has no methods, keys, state or prototype, and does not change', async () => {
    const uses = [
      global('project', 'Thing'),
      made,
      build(made, new Map([['a', 1]])),
      append(made, 1, 2),
      setItems(made, new Map([['a', 1]])),
      reduce(made, 'called'),
    ];
    for (const use of uses) expect((await unpickled(use))[0]).toBe(INERT);
    expect(Reflect.ownKeys(INERT)).toEqual([]);
    expect(Object.getPrototypeOf(INERT)).toBeNull();
    expect(Object.isFrozen(INERT)).toBe(true);
  });

  test('is no key of a dict', async () => {
    const dict = new Map<Pickled, Pickled>([
      [made, 1],
      ['a', 2],
      [global('project', 'Other'), 3],
    ]);
    expect((await unpickled(dict))[0]).toEqual(new Map([['a', 2]]));
  });

  test.each<[string, Pickled, RegExp]>([
    [
      'a state dict',
      build(setItems(made, STATE(false) as Map<Pickled, Pickled>), null),
      /ERR_WEIGHTS_GLOBAL .*project\.Thing/,
    ],
    ["a state dict's items", reduce(global('project', 'StateDict'), STATE(false)), /ERR_WEIGHTS_GLOBAL/],
    ['a whole network', reduce(global('torchvision.models.resnet', 'ResNet')), /ERR_WEIGHTS_GLOBAL .*resnet\.ResNet/],
    ['the key of a tensor', new Map([[made, rebuilt(VIEW)]]), /ERR_WEIGHTS_GLOBAL/],
    [
      'a tensor',
      new Map([['w', reduce(global('torch._utils', '_rebuild_other'), rebuilt(VIEW))]]),
      /ERR_WEIGHTS_GLOBAL/,
    ],
    [
      "a parameter's tensor",
      new Map([['w', reduce(global('torch._utils', '_rebuild_parameter'), made)]]),
      /not a tensor/,
    ],
    ['a storage', persistent(made), /not a storage/],
    ['the type of a storage', persistent(tuple('storage', made, '0', 'cpu', 2)), /type is not known/],
    [
      'the key of a storage',
      persistent(tuple('storage', global('torch', 'FloatStorage'), made, 'cpu', 2)),
      /without a key/,
    ],
    [
      'the storage of a tensor',
      reduce(global('torch._utils', '_rebuild_tensor_v2'), made, 0, tuple(2), tuple(1)),
      /without a storage/,
    ],
    [
      'a shape',
      reduce(
        global('torch._utils', '_rebuild_tensor_v2'),
        persistent(tuple('storage', global('torch', 'FloatStorage'), '0', 'cpu', 2)),
        ...[0, made, tuple(1)],
      ),
      /shape is not a list/,
    ],
    ['a list of pairs', reduce(global('collections', 'OrderedDict'), made), /made of no list/],
    ['the items of a list', reduce(global('builtins', 'list'), made), /made of no list/],
    [
      'the type of an array',
      build(reduce(global('numpy._core.multiarray', '_reconstruct')), tuple(1, tuple(2), made, false, made)),
      /without a type/,
    ],
    ['a global', raw('cproject\nThing\nX\x01\0\0\0a\x93'), /name is not text/],
  ])('is not taken for %s', async (_name, value, message) => {
    expect(await refusal(zipPth(value, STORAGES))).toMatch(message);
  });

  test('its arguments and the number of its names are bounded', async () => {
    const list = `](${'K\x01'.repeat(50_000)}eq\x01`;
    const call = 'cproject\nThing\nq\0' + list + 'h\0h\x01\x85R'.repeat(1000);
    await expect(unpickled(raw(call + '\x85'))).rejects.toThrow(/copies the same values again and again/);
    const names = Array.from({ length: 1001 }, (_, i) => global('project', `Thing${i}`));
    await expect(unpickled(names)).rejects.toThrow(/names more than 1000 Python globals/);
    expect((await unpickled(names.slice(1)))[1]).toHaveLength(1000);
  });
});

describe('refused modules', () => {
  const refused: [string, string][] = [
    ...['eval', 'exec', 'getattr', 'compile', 'open', '__import__', 'type', 'globals', 'print'].flatMap(
      (name): [string, string][] => [
        ['builtins', name],
        ['__builtin__', name],
        ['__builtins__', name],
      ],
    ),
    ['os', 'system'],
    ['os', 'sep'],
    ['os.path', 'join'],
    ['posix', 'system'],
    ['nt', 'system'],
    ['sys', 'exit'],
    ['subprocess', 'Popen'],
    ['importlib', 'import_module'],
    ['importlib.util', 'find_spec'],
    ['runpy', 'run_path'],
    ['ctypes', 'CDLL'],
    ['ctypes.util', 'find_library'],
    ['socket', 'create_connection'],
    ['shutil', 'rmtree'],
    ['pickle', 'loads'],
    ['_pickle', 'loads'],
    ['cPickle', 'loads'],
    ['dill', 'loads'],
    ['marshal', 'loads'],
    ['operator', 'attrgetter'],
    ['_operator', 'methodcaller'],
    ['functools', 'reduce'],
    ['functools', 'lru_cache'],
    ['types', 'FunctionType'],
    ['types', 'CodeType'],
    ['code', 'InteractiveInterpreter'],
    ['timeit', 'timeit'],
    ['pty', 'spawn'],
    ['webbrowser', 'open'],
    ['urllib.request', 'urlopen'],
    ['asyncio.unix_events', '_UnixSubprocessTransport._start'],
    ['io', 'open'],
    ['copyreg', 'add_extension'],
    ['multiprocessing.util', 'spawnv_passfds'],
    ['torch', 'load'],
    ['torch', 'compile'],
    ['torch.hub', 'load'],
    ['torch.jit', 'load'],
    ['torch.jit._script', 'script'],
    ['torch.storage', '_load_from_bytes'],
    ['torch.serialization', 'load'],
    ['torch.fx.graph_module', 'reduce_graph_module'],
    ['torch._inductor.codecache', 'compile_file'],
    ['torch.utils._config_module', 'ConfigModule.load_config'],
    ['numpy.testing._private.utils', 'runstring'],
    // Dotted names that reach into another module, or out of an object.
    ['argparse', '_sys.modules'],
    ['argparse', '_os.system'],
    ['torch', 'hub.load'],
    ['project', 'os.system'],
    ['project', 'Thing.__reduce__'],
    ['collections', 'OrderedDict.__init__'],
    ['project', '__import__'],
  ];

  test.each(refused)('%s.%s', (module, name) => {
    expect(isRefusedGlobal(module, name)).toBe(true);
  });

  test.each([
    ['project', 'Thing'],
    ['__main__', 'Config.Mode'],
    ['osproject', 'System'],
    ['project.os', 'Thing'],
    ['pathlib', 'PosixPath'],
    ['torch.optim.sgd', 'SGD'],
    ['torch', 'channels_last'],
    ['torch', 'qint8'],
  ])('%s.%s is not refused', (module, name) => {
    expect(isRefusedGlobal(module, name)).toBe(false);
  });

  /** Ways in which a value can stand in another. */
  const places: ((value: Pickled) => Pickled)[] = [
    (value) => value,
    (value) => reduce(value, 'touch trap'),
    (value) => [1, value],
    (value) => tuple(value, 2),
    (value) => new Map<Pickled, Pickled>([['a', value]]),
    (value) => new Map<Pickled, Pickled>([[value, 'a']]),
    (value) => reduce(global('project', 'Thing'), value),
    (value) => reduce(global('functools', 'partial'), value),
    (value) => reduce(global('collections', 'OrderedDict'), [[tuple('a', value)]]),
    (value) => build(reduce(global('project', 'Thing')), value),
    (value) => build(new Map(), value),
    (value) => append(reduce(global('collections', 'deque')), value),
    (value) => setItems(reduce(global('project', 'Dict')), new Map<Pickled, Pickled>([['a', value]])),
    (value) => setItems(reduce(global('project', 'Dict')), new Map<Pickled, Pickled>([[value, 'a']])),
    (value) => persistent(value),
    (value) => persistent(tuple('storage', value, '0', 'cpu', 2)),
    (value) => reduce(global('torch._utils', '_rebuild_tensor_v2'), value, 0, tuple(2), tuple(1)),
    (value) => reduce(global('torch._utils', '_rebuild_parameter'), value),
  ];

  test('are refused wherever they stand, however deep, in each format, and nothing is run', async () => {
    const depth = fc.array(fc.constantFrom(...places), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...refused), depth, async ([module, name], nesting) => {
        const value = nesting.reduce<Pickled>((inner, place) => place(inner), global(module, name));
        const message = new RegExp(`^ERR_WEIGHTS_GLOBAL .*names the Python global "${module}\\.${name}"`);
        for (const bytes of [...beside(value), zipPth(value, STORAGES), pickle(value), pickle(value, 4)]) {
          expect(await refusal(bytes)).toMatch(message);
        }
      }),
      { numRuns: 200 },
    );
    expect(existsSync(join(folder, 'trap')) || existsSync('trap')).toBe(false);
  });

  test('each of them is refused at each place', async () => {
    for (const [module, name] of refused) {
      for (const place of places) {
        await expect(unpickled(place(global(module, name)))).rejects.toMatchObject({ code: 'ERR_WEIGHTS_GLOBAL' });
      }
    }
  });
});

test('state dicts are found in dicts and lists, however often the pickle refers to them', async () => {
  const inList: Pickled = [STATE(false), 7];
  expect(await readWeights(file(zipPth(inList, STORAGES)))).toEqual(new Map([['w', TENSOR]]));
  const metric = new Map<Pickled, Pickled>([
    ['best_acc1', rebuilt({ ...VIEW, shape: [], strides: [] })],
    ['state_dict', STATE(false)],
  ]);
  expect(await readWeights(file(zipPth(metric, STORAGES)))).toEqual(new Map([['w', TENSOR]]));
  // A list of a hundred thousand references to one dict of many entries, which is looked at once.
  const dict = `}q\0(${Array.from({ length: 20_000 }, (_, i) => `X\x05\0\0\0${String(10_000 + i)}N`).join('')}u0`;
  const many = raw(`${dict}](${'h\0'.repeat(100_000)}e`);
  const start = performance.now();
  expect(await refusal(zipPth(many, []))).toMatch(/^ERR_WEIGHTS_FORMAT .*holds no dict/);
  expect(performance.now() - start).toBeLessThan(10_000);
});
