import { ResNetError, inspect } from '../../errors';
import type { ByteWindow } from './byte-window';
import { Global, INERT, LongText, PickledBytes, FormatViolation, type Buildable, type Globals } from './pickle-values';
import { isRefusedGlobal } from './refused-globals';

/**
 * Reads Python pickles, protocols 2 to 5, without Python: a stack, a memo, and the opcodes that `torch.save` and
 * `paddle.save` write. Every global is looked up in the caller's allowlist as soon as it is named. One that is not on it
 * ends the reading if its module is refused or the caller expects no others; else {@link INERT} takes its place. Nothing
 * here is recursive, so nesting takes no stack; memory is bounded by the number of opcodes and by the length of the texts.
 */

const MAX_OPCODES = 4_000_000;
const MAX_TEXT_BYTES = 1 << 26;
/** Texts up to this length are kept as strings. Names are short; longer texts stay in the file. */
const MAX_TEXT_LENGTH = 4096;
/** List elements and characters that may be passed to calls and states, which may copy them. */
const MAX_COPIED = 1 << 24;
const MAX_INTEGER_BYTES = 64;
const MAX_NAME_LENGTH = 512;
/** Different globals that may become inert values; they are listed in a warning. */
const MAX_INERT = 1000;

/** How to read the pickles of a format. */
export interface PickleRules {
  globals: Globals;
  /** Resolves a persistent id, which stands for an object outside of the pickle. Absent: there are none. */
  persistent?: (id: unknown) => unknown;
  /** Collects the names of the unknown globals that became inert values. Absent: any unknown global is an error. */
  inert?: Set<string>;
  /** Makes an error from a predicate about the file: `ends early`. */
  fail: (problem: string) => ResNetError;
  /** The file, for messages about globals. */
  path: string;
}

/**
 * Reads one pickle, and leaves the window behind it.
 *
 * @throws ERR_WEIGHTS_GLOBAL for a global that is refused; `rules.fail` for everything else
 */
export async function unpickle(window: ByteWindow, rules: PickleRules): Promise<unknown> {
  const machine = new Machine(window, rules);
  try {
    return await machine.run();
  } catch (error) {
    throw error instanceof FormatViolation ? rules.fail(error.message) : error;
  }
}

interface Opcode {
  /** Bytes of the arguments with a fixed length. */
  fixed: number;
  run: (machine: Machine) => void | Promise<void>;
}

class Machine {
  /** The values since the last mark; those before it are in `#below`. */
  #stack: unknown[] = [];
  readonly #below: unknown[][] = [];
  readonly #memo = new Map<number, unknown>();
  #textBytes = 0;
  #copied = 0;
  #done = false;

  constructor(
    readonly window: ByteWindow,
    readonly rules: PickleRules,
  ) {}

  async run(): Promise<unknown> {
    const { window } = this;
    await window.ensure(2);
    if (window.uint8() !== 0x80)
      throw new FormatViolation('holds no pickle of protocol 2 or newer where one should be');
    this.protocol(window.uint8());
    for (let count = 0; !this.#done; count++) {
      if (count === MAX_OPCODES) throw new FormatViolation(`has a pickle of more than ${MAX_OPCODES} steps`);
      if (!window.has(1)) await window.ensure(1);
      const code = window.uint8();
      const opcode = OPCODES.get(code);
      if (opcode === undefined)
        throw new FormatViolation(`has a pickle with the opcode ${hex(code)}, which is not read`);
      if (!window.has(opcode.fixed)) await window.ensure(opcode.fixed);
      const more = opcode.run(this);
      if (more !== undefined) await more;
    }
    return this.pop();
  }

  protocol(version: number): void {
    if (version < 2 || version > 5)
      throw new FormatViolation(`has a pickle of protocol ${version}, and 2 to 5 are read`);
  }

  stop(): void {
    if (this.#below.length > 0) throw new FormatViolation('has a pickle that ends within a mark');
    this.#done = true;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length === 0) throw new FormatViolation('has a pickle that takes more than it has put');
    return this.#stack.pop();
  }

  top(): unknown {
    if (this.#stack.length === 0) throw new FormatViolation('has a pickle that looks at nothing');
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#below.push(this.#stack);
    this.#stack = [];
  }

  /** Pops the values since the last mark. */
  popMark(): unknown[] {
    const below = this.#below.pop();
    if (below === undefined) throw new FormatViolation('has a pickle without the mark that it goes back to');
    const items = this.#stack;
    this.#stack = below;
    return items;
  }

  tuple(count: number): void {
    const items: unknown[] = [];
    for (let i = 0; i < count; i++) items.unshift(this.pop());
    this.push(Object.freeze(items));
  }

  remember(index = this.#memo.size): void {
    this.#memo.set(index, this.top());
  }

  recall(index: number): void {
    if (!this.#memo.has(index))
      throw new FormatViolation(`has a pickle that recalls ${index}, which it has not remembered`);
    this.push(this.#memo.get(index));
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    if (list === INERT) return;
    if (!Array.isArray(list) || Object.isFrozen(list))
      throw new FormatViolation('has a pickle that appends to no list');
    for (const item of items) list.push(item);
  }

  setItems(items: readonly unknown[]): void {
    const dict = this.top();
    if (dict === INERT) return;
    if (!(dict instanceof Map)) throw new FormatViolation('has a pickle that sets items of no dict');
    if (items.length % 2 !== 0) throw new FormatViolation('has a pickle with a key and no value');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (key === INERT) continue; // an enum's member, for instance: what it names cannot be told
      if (dict.has(key)) throw new FormatViolation(`names ${inspect(key)} twice`);
      dict.set(key, items[i + 1]);
    }
  }

  newDict(items: readonly unknown[]): void {
    this.push(new Map());
    this.setItems(items);
  }

  addItems(items: readonly unknown[]): void {
    const set = this.top();
    if (set === INERT) return;
    if (!(set instanceof Set)) throw new FormatViolation('has a pickle that adds to no set');
    for (const item of items) set.add(item);
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new FormatViolation('has a pickle with a global whose name is not text');
    }
    const full = `${module}.${name}`;
    const { globals, inert, path } = this.rules;
    const known = globals.get(full);
    if (known === undefined) {
      if (inert === undefined || isRefusedGlobal(module, name)) throw refusedGlobal(path, full);
      inert.add(full);
      if (inert.size > MAX_INERT) throw new FormatViolation(`names more than ${MAX_INERT} Python globals`);
    }
    this.push(known ?? INERT);
  }

  /** Calls a global, or constructs an object; the global decides what that returns. */
  call(): void {
    const args = this.pop();
    const callee = this.pop();
    if (Array.isArray(args)) this.charge(args as unknown[]);
    if (callee === INERT && Array.isArray(args)) {
      this.push(INERT);
      return;
    }
    if (!(callee instanceof Global) || callee.call === undefined || !Array.isArray(args)) {
      throw new FormatViolation(
        `has a pickle that calls ${callee instanceof Global ? callee.name : 'something that is not a global'}`,
      );
    }
    this.push(callee.call(args as unknown[]));
  }

  /** As {@link call}, with keyword arguments, which only classes of other programs have. */
  callWithKeywords(): void {
    if (!(this.pop() instanceof Map)) throw new FormatViolation('has a pickle whose keyword arguments are no dict');
    const args = this.pop();
    if (this.pop() !== INERT || !Array.isArray(args)) {
      throw new FormatViolation('has a pickle that calls a known global with keyword arguments');
    }
    this.charge(args as unknown[]);
    this.push(INERT);
  }

  /** With a few bytes each, a pickle could pass one list or text from the memo to a million calls. */
  charge(values: readonly unknown[]): void {
    for (const value of values) if (Array.isArray(value) || typeof value === 'string') this.#copied += value.length;
    if (this.#copied > MAX_COPIED)
      throw new FormatViolation('has a pickle that copies the same values again and again');
  }

  build(): void {
    const state = this.pop();
    const target = this.top();
    // The attributes of a dict, e.g. a state dict's `_metadata`, are dropped.
    if (target instanceof Map || target === INERT) return;
    if (!isBuildable(target)) throw new FormatViolation('has a pickle that gives a state to what takes none');
    if (Array.isArray(state)) this.charge(state);
    target.build(state);
  }

  persistent(): void {
    const { persistent } = this.rules;
    if (persistent === undefined) throw new FormatViolation('has a pickle that refers to an object outside of it');
    this.push(persistent(this.pop()));
  }

  bytes(length: number): void {
    this.push(new PickledBytes(this.window.position, length));
    this.window.skip(length);
  }

  async text(length: number): Promise<void> {
    const { window } = this;
    const place = new LongText(window.position, length);
    if (length > MAX_TEXT_LENGTH) {
      window.skip(length);
      this.push(place);
      return;
    }
    this.#textBytes += length;
    if (this.#textBytes > MAX_TEXT_BYTES)
      throw new FormatViolation(`has a pickle of more than ${MAX_TEXT_BYTES} characters`);
    if (!window.has(length)) await window.ensure(length);
    this.push(decode(window.copy(length)));
  }

  async integer(length: number): Promise<void> {
    if (length > MAX_INTEGER_BYTES) throw new FormatViolation(`has a pickle with an integer of ${length} bytes`);
    await this.window.ensure(length);
    this.push(decodeInteger(this.window.copy(length)));
  }

  async line(): Promise<string> {
    const bytes: number[] = [];
    for (;;) {
      await this.window.ensure(1);
      const byte = this.window.uint8();
      if (byte === 0x0a) return decode(Uint8Array.from(bytes));
      if (bytes.push(byte) > MAX_NAME_LENGTH)
        throw new FormatViolation('has a pickle with a global whose name does not end');
    }
  }
}

/** The error for a global that is refused, or that stands where a state dict should. @param full - `module.name` */
export function refusedGlobal(path: string, full: string): ResNetError {
  return new ResNetError(
    'ERR_WEIGHTS_GLOBAL',
    `${path} names the Python global ${inspect(full)}, which no state dict needs. ` +
      'Nothing of the file was run. Save the state dict alone, and plain numbers and strings beside it.',
  );
}

function isBuildable(value: unknown): value is Buildable {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Buildable>).build === 'function';
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new FormatViolation('has a pickle with a text that is not UTF-8');
  }
}

/** Two's complement, little-endian; a number if that is exact, else a bigint. */
function decodeInteger(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  const integer = BigInt.asIntN(bytes.length * 8, value);
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
}

const hex = (code: number): string => `0x${code.toString(16).padStart(2, '0')}`;

/** The names are those of Python's pickletools. */
const OPCODES: ReadonlyMap<number, Opcode> = new Map<number, Opcode>(
  (
    [
      ['\x80' /* PROTO */, 1, (m) => m.protocol(m.window.uint8())],
      ['\x95' /* FRAME */, 8, (m) => void m.window.uint64()],
      ['.' /* STOP */, 0, (m) => m.stop()],
      ['(' /* MARK */, 0, (m) => m.mark()],
      ['0' /* POP */, 0, (m) => void m.pop()],
      ['1' /* POP_MARK */, 0, (m) => void m.popMark()],
      ['2' /* DUP */, 0, (m) => m.push(m.top())],

      ['N' /* NONE */, 0, (m) => m.push(null)],
      ['\x88' /* NEWTRUE */, 0, (m) => m.push(true)],
      ['\x89' /* NEWFALSE */, 0, (m) => m.push(false)],
      ['K' /* BININT1 */, 1, (m) => m.push(m.window.uint8())],
      ['M' /* BININT2 */, 2, (m) => m.push(m.window.uint16())],
      ['J' /* BININT */, 4, (m) => m.push(m.window.int32())],
      ['\x8a' /* LONG1 */, 1, (m) => m.integer(m.window.uint8())],
      ['\x8b' /* LONG4 */, 4, (m) => m.integer(m.window.uint32())],
      ['G' /* BINFLOAT */, 8, (m) => m.push(m.window.float64())],

      ['U' /* SHORT_BINSTRING */, 1, (m) => m.text(m.window.uint8())],
      ['T' /* BINSTRING */, 4, (m) => m.text(m.window.uint32())],
      ['\x8c' /* SHORT_BINUNICODE */, 1, (m) => m.text(m.window.uint8())],
      ['X' /* BINUNICODE */, 4, (m) => m.text(m.window.uint32())],
      ['\x8d' /* BINUNICODE8 */, 8, (m) => m.text(m.window.uint64())],
      ['C' /* SHORT_BINBYTES */, 1, (m) => m.bytes(m.window.uint8())],
      ['B' /* BINBYTES */, 4, (m) => m.bytes(m.window.uint32())],
      ['\x8e' /* BINBYTES8 */, 8, (m) => m.bytes(m.window.uint64())],
      ['\x96' /* BYTEARRAY8 */, 8, (m) => m.bytes(m.window.uint64())],

      [')' /* EMPTY_TUPLE */, 0, (m) => m.tuple(0)],
      ['\x85' /* TUPLE1 */, 0, (m) => m.tuple(1)],
      ['\x86' /* TUPLE2 */, 0, (m) => m.tuple(2)],
      ['\x87' /* TUPLE3 */, 0, (m) => m.tuple(3)],
      ['t' /* TUPLE */, 0, (m) => m.push(Object.freeze(m.popMark()))],
      [']' /* EMPTY_LIST */, 0, (m) => m.push([])],
      ['l' /* LIST */, 0, (m) => m.push(m.popMark())],
      ['a' /* APPEND */, 0, (m) => m.append([m.pop()])],
      ['e' /* APPENDS */, 0, (m) => m.append(m.popMark())],
      ['}' /* EMPTY_DICT */, 0, (m) => m.newDict([])],
      ['d' /* DICT */, 0, (m) => m.newDict(m.popMark())],
      ['s' /* SETITEM */, 0, (m) => m.setItems([m.pop(), m.pop()].reverse())],
      ['u' /* SETITEMS */, 0, (m) => m.setItems(m.popMark())],
      ['\x8f' /* EMPTY_SET */, 0, (m) => m.push(new Set())],
      ['\x90' /* ADDITEMS */, 0, (m) => m.addItems(m.popMark())],
      ['\x91' /* FROZENSET */, 0, (m) => m.push(new Set(m.popMark()))],

      ['c' /* GLOBAL */, 0, async (m) => m.global(await m.line(), await m.line())],
      ['\x93' /* STACK_GLOBAL */, 0, (m) => m.global(...([m.pop(), m.pop()].reverse() as [unknown, unknown]))],
      ['R' /* REDUCE */, 0, (m) => m.call()],
      ['\x81' /* NEWOBJ */, 0, (m) => m.call()],
      ['\x92' /* NEWOBJ_EX */, 0, (m) => m.callWithKeywords()],
      ['b' /* BUILD */, 0, (m) => m.build()],
      ['Q' /* BINPERSID */, 0, (m) => m.persistent()],

      ['q' /* BINPUT */, 1, (m) => m.remember(m.window.uint8())],
      ['r' /* LONG_BINPUT */, 4, (m) => m.remember(m.window.uint32())],
      ['\x94' /* MEMOIZE */, 0, (m) => m.remember()],
      ['h' /* BINGET */, 1, (m) => m.recall(m.window.uint8())],
      ['j' /* LONG_BINGET */, 4, (m) => m.recall(m.window.uint32())],
    ] as [string, number, Opcode['run']][]
  ).map(([code, fixed, run]) => [code.charCodeAt(0), { fixed, run }]),
);
