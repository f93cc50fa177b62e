import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { readWeights, ResNetError } from '../../../lib/index';
import { ByteWindow, memorySource } from '../../../lib/weights/formats/byte-window';
import { unpickle } from '../../../lib/weights/formats/pickle';
import { globals, PickledBytes, type Globals } from '../../../lib/weights/formats/pickle-values';
import { TORCH } from '../../../lib/weights/formats/torch-values';
import { temporaryFolder, written } from '../../support/files';
import { build, global, pickle, raw, reduce, tuple, type Pickled } from '../../support/pickle';
import { zipPth } from '../../support/torch-files';

const folder = temporaryFolder();
const fail = (what: string): ResNetError => new ResNetError('ERR_WEIGHTS_FORMAT', what);

function unpickled(bytes: Uint8Array, allowed: Globals = new Map()): Promise<unknown> {
  const window = new ByteWindow(memorySource(bytes), 0, bytes.length, () => fail('ends early'));
  return unpickle(window, { globals: allowed, fail, path: 'x.pth' });
}

const refusal = (bytes: Uint8Array, allowed?: Globals): Promise<string> =>
  unpickled(bytes, allowed).then(
    () => 'read',
    (error: unknown) => `${(error as ResNetError).code} ${(error as ResNetError).message}`,
  );

test('plain data is read back unchanged', async () => {
  const value = fc.letrec<{ value: Pickled }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true }).filter((number) => !Number.isInteger(number)),
      fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }).filter((number) => !Number.isSafeInteger(Number(number))),
      fc.string({ unit: 'binary' }),
      fc.array(tie('value')),
      fc.array(fc.tuple(fc.string(), tie('value'))).map((entries) => new Map(entries)),
    ),
  })).value;
  await fc.assert(
    fc.asyncProperty(value, fc.constantFrom(2, 3, 4, 5), async (given, protocol) => {
      expect(await unpickled(pickle(given, protocol))).toEqual(given);
    }),
    { numRuns: 300 },
  );
});

test('opcodes that our own writer does not use', async () => {
  const cases: [string, unknown][] = [
    ['K\x07', 7],
    ['M\x01\x02', 513],
    ['\x8b\x02\0\0\0\xff\xff', -1],
    ['U\x02ab', 'ab'],
    ['T\x02\0\0\0ab', 'ab'],
    ['\x8c\x02ab', 'ab'],
    ['\x8d\x02\0\0\0\0\0\0\0ab', 'ab'],
    ['C\x02ab', new PickledBytes(4, 2)],
    ['\x8e\x02\0\0\0\0\0\0\0ab', new PickledBytes(11, 2)],
    ['\x96\x02\0\0\0\0\0\0\0ab', new PickledBytes(11, 2)],
    ['K\x01K\x02K\x03\x87', [1, 2, 3]],
    ['K\x01K\x02\x86', [1, 2]],
    ['K\x01\x85', [1]],
    ['(K\x01K\x02l', [1, 2]],
    [']K\x01a', [1]],
    ['(K\x01K\x02d', new Map([[1, 2]])],
    ['}K\x01K\x02s', new Map([[1, 2]])],
    ['\x8f(K\x01\x90', new Set([1])],
    ['(K\x01\x91', new Set([1])],
    ['K\x01K\x020', 1],
    ['K\x01(K\x021', 1],
    ['K\x012\x86', [1, 1]],
    ['K\x01q\x05h\x05\x86', [1, 1]],
    ['K\x01r\x05\0\0\0j\x05\0\0\0\x86', [1, 1]],
    ['K\x01\x94h\0\x86', [1, 1]],
    ['\x95\0\0\0\0\0\0\0\0N', null],
  ];
  for (const [opcodes, value] of cases) expect(await unpickled(pickle(raw(opcodes)))).toEqual(value);
});

describe('globals', () => {
  const hostile: [string, string][] = [
    ['os', 'system'],
    ['posix', 'system'],
    ['nt', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'exec'],
    ['builtins', 'getattr'],
    ['subprocess', 'Popen'],
    ['torch.storage', '_load_from_bytes'],
    ['torch', 'load'],
    ['torch.nn.modules.conv', 'Conv2d'],
    ['numpy', 'load'],
    ['collections', 'OrderedDict.__init__'],
    ['__proto__', 'constructor'],
  ];

  // Without a state dict beside it, an unknown global is rejected even if its module is harmless; see globals.test.ts.
  test.each(hostile)('%s.%s is rejected by its name, in each format, and nothing is run', async (module, name) => {
    const trap = join(folder, 'trap');
    const value = new Map([['a', reduce(global(module, name), `touch ${trap}`)]]);
    const files = [zipPth(value, []), zipPth(value, [], { protocol: 4 }), pickle(value), pickle(value, 4)];
    for (const bytes of files) {
      await expect(readWeights(written(folder, 'evil.pth', bytes))).rejects.toMatchObject({
        code: 'ERR_WEIGHTS_GLOBAL',
        message: expect.stringContaining(`evil.pth names the Python global "${module}.${name}"`),
      });
    }
    expect(existsSync(trap)).toBe(false);
  });

  test('it is rejected as soon as it is named, before anything after it is read', async () => {
    expect(await refusal(pickle(raw('cos\nsystem\n\xff')))).toMatch(/^ERR_WEIGHTS_GLOBAL x\.pth names .*"os\.system"/);
  });

  test('a name that the pickle builds is checked as well', async () => {
    // A list that prints as `os` would.
    expect(await refusal(pickle(raw(']X\x02\0\0\0osaX\x06\0\0\0system\x93'), 4))).toMatch(/whose name is not text/);
  });

  test('an allowed global is called with its arguments, and nothing else', async () => {
    const allowed = globals({ 'a.b': (args) => [...args, 'made'], 'a.named': undefined });
    expect(await unpickled(pickle(reduce(global('a', 'b'), 1, 2)), allowed)).toEqual([1, 2, 'made']);
    expect(await unpickled(pickle(raw('ca\nb\n)\x81')), allowed)).toEqual(['made']);
    expect(await refusal(pickle(reduce(global('a', 'named'), 1)), allowed)).toMatch(/calls a\.named/);
    expect(await refusal(pickle(reduce('a.b', 1)), allowed)).toMatch(/calls something that is not a global/);
    expect(await refusal(pickle(build(reduce(global('a', 'b')), 1)), allowed)).toMatch(
      /gives a state to what takes none/,
    );
  });
});

describe('malformed pickles are rejected', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', Buffer.alloc(0), /ends early/],
    ['no protocol', Buffer.from('N.'), /no pickle of protocol 2/],
    ['protocol 1', pickle(1, 1), /protocol 1, and 2 to 5/],
    ['protocol 6', pickle(1, 6), /protocol 6, and 2 to 5/],
    ['no end', pickle(1).subarray(0, -1), /ends early/],
    ['an opcode that is not read', pickle(raw('I1\n')), /opcode 0x49, which is not read/],
    ['an extension', pickle(raw('\x82\x01')), /opcode 0x82/],
    ['an empty stack', pickle(raw('')), /takes more than it has put/],
    ['a tuple of nothing', pickle(raw('\x86')), /takes more/],
    ['remembering nothing', pickle(raw('q\0')), /looks at nothing/],
    ['recalling what was not remembered', pickle(raw('h\x07')), /recalls 7/],
    ['no mark', pickle(raw('t')), /without the mark/],
    ['a mark that is not taken', pickle(raw('N(N')), /ends within a mark/],
    ['appending to a tuple', pickle(raw(')Na')), /appends to no list/],
    ['items of a list', pickle(raw(']NNs')), /sets items of no dict/],
    ['a key and no value', pickle(raw('}(Nu')), /a key and no value/],
    ['a key twice', pickle(raw('}(NNNNu')), /names null twice/],
    ['adding to a list', pickle(raw('](N\x90')), /adds to no set/],
    ['a text that is not UTF-8', pickle(raw('U\x01\xff')), /not UTF-8/],
    ['a text longer than the file', pickle(raw('X\xff\xff\xff\x7fa')), /ends early/],
    ['a text of 2^63 bytes', pickle(raw('\x8d\0\0\0\0\0\0\0\x80a')), /ends early/],
    ['bytes longer than the file', pickle(raw('B\xff\xff\xff\xffa')), /ends early/],
    ['a long integer', pickle(raw(`\x8b\xff\xff\xff\x7f${'\x01'.repeat(100)}`)), /integer of 2147483647 bytes/],
    ['a name that does not end', pickle(raw(`c${'a'.repeat(1000)}`)), /name does not end/],
    ['an object outside', pickle(raw('NQ')), /object outside of it/],
  ];

  test.each(cases)('%s', async (_name, bytes, message) => {
    const text = await refusal(bytes);
    expect(text).toMatch(/^ERR_WEIGHTS_FORMAT /);
    expect(text).toMatch(message);
  });
});

describe('bounded in time and memory', () => {
  /** Milliseconds and bytes. */
  async function cost(bytes: Uint8Array): Promise<[number, number]> {
    const [time, memory] = [performance.now(), process.memoryUsage().heapUsed];
    await unpickled(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(ResNetError));
    return [performance.now() - time, process.memoryUsage().heapUsed - memory];
  }

  test.each([
    ['lists a million deep', `${']'.repeat(1_000_000)}${'a'.repeat(999_999)}`],
    ['tuples a million deep', `N${'\x85'.repeat(1_000_000)}`],
    ['marks a million deep', `${'('.repeat(1_000_000)}N`],
    ['doubled a hundred thousand times', `]${'2\x86'.repeat(100_000)}`],
    ['doubled through the memo', `]${'q\x01h\x01\x86'.repeat(100_000)}`],
    ['a list that holds itself', ']q\0h\0ah\0\x86\x94h\0\x86'],
    ['a dict that holds itself', '}q\0Nh\0s'],
    ['a key of lists doubled', `}]${'2\x86'.repeat(100_000)}NsN\x85`],
    ['a global named by lists doubled', `]${'2\x86'.repeat(100_000)}X\x01\0\0\0a\x93`],
  ])('%s', async (_name, opcodes) => {
    const [time, memory] = await cost(pickle(raw(opcodes)));
    expect(time).toBeLessThan(15_000);
    expect(memory).toBeLessThan(500e6);
  });

  test('the numbers of steps and characters are limited', async () => {
    expect(await refusal(pickle(raw('N0'.repeat(2_000_001))))).toMatch(/more than 4000000 steps/);
    const text = `X\0\x10\0\0${'a'.repeat(4096)}0`;
    expect(await refusal(pickle(raw(text.repeat((1 << 14) + 1))))).toMatch(/more than 67108864 characters/);
  });

  test('the event loop runs while a large pickle is read', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await unpickled(pickle(raw(`N${'0N'.repeat(1_500_000)}`)));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
  });

  test('any bytes are either read or rejected', async () => {
    const opcodes = fc.constantFrom(
      ...'.(012NKMJG)]}tleadsuqrhjRbQcXUTCB\x80\x81\x85\x86\x87\x88\x8a\x8c\x8f\x90\x91\x93\x94\x95',
    );
    const program = fc.array(fc.oneof(opcodes, fc.constantFrom('\0', '\x01', '\n')), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(program, async (codes) => {
        expect(await refusal(pickle(raw(codes.join(''))))).toMatch(/^(read|ERR_WEIGHTS_(FORMAT|GLOBAL) )/);
      }),
      { numRuns: 5_000 },
    );
    expect(await refusal(pickle(tuple(1, 2)))).toBe('read');
  });
});

test('a text or list that is passed again and again is not copied without limit', async () => {
  const again = (made: string, times: number): string => made.repeat(times);
  const long = Buffer.alloc(4096, 'a').toString('latin1');
  // The memo holds the global (0), the value (1) and 'latin1' (2); each call takes about six bytes.
  const texts = `(c_codecs\nencode\nq\x00X\x00\x10\x00\x00${long}q\x01X\x06\x00\x00\x00latin1q\x02`;
  const lists = `(cbuiltins\nlist\nq\x00](${'K\x01'.repeat(50_000)}eq\x01`;
  const files = [
    `\x80\x02${texts}${again('h\x00h\x01h\x02\x86R', 10_000)}t.`,
    `\x80\x02${lists}${again('h\x00h\x01\x85R', 1_000)}t.`,
    `\x80\x02${lists.replace('builtins\nlist', 'torch\nSize')}${again('h\x00h\x01\x85R', 1_000)}t.`,
  ];
  for (const file of files) {
    expect(await refusal(Buffer.from(file, 'latin1'), TORCH)).toBe(
      'ERR_WEIGHTS_FORMAT has a pickle that copies the same values again and again',
    );
  }
});
