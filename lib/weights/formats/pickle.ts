import { ResNetError, show } from '../../errors';
import type { ByteWindow } from './byte-window';
import { Global, LongText, Opaque, PickledBytes, Refusal, type Buildable, type Globals } from './pickle-values';

/**
 * Reads Python's pickles, protocols 2 to 5, without anything of Python: a stack, a memo and the opcodes that
 * `torch.save` and `paddle.save` write. A global is looked up in the caller's list the moment it is named, and one
 * that is not on it ends the reading. Nothing here calls itself, so depth costs no stack; what is made is bounded
 * by the number of opcodes and by the text kept.
 */

const MAX_OPCODES = 4_000_000;
const MAX_TEXT_BYTES = 1 << 26;
/** Texts up to this length are kept as strings. Names are short; what is longer stays in the file. */
const LONGEST_TEXT = 4096;
/** Elements of lists and characters of texts that calls and states are given, which they may copy. */
const MAX_COPIED = 1 << 24;
const LONGEST_INTEGER = 64;
const LONGEST_NAME = 512;

/** How the format that the pickle belongs to wants it read. */
export interface PickleRules {
  globals: Globals;
  /** What stands for an object that is stored elsewhere. Absent: there is none. */
  persistent?: (id: unknown) => unknown;
  /** An error about the file, worded as what it does. */
  fail: (what: string) => ResNetError;
  /** The file, for the message about a global. */
  path: string;
}

/**
 * Reads one pickle; the window then stands behind it.
 *
 * @throws ERR_WEIGHTS_GLOBAL for a global that is not on the list; `rules.fail` for everything else
 */
export async function unpickle(window: ByteWindow, rules: PickleRules): Promise<unknown> {
  const machine = new Machine(window, rules);
  try {
    return await machine.run();
  } catch (error) {
    throw error instanceof Refusal ? rules.fail(error.message) : error;
  }
}

interface Opcode {
  /** Bytes that follow the opcode and have a fixed length. */
  fixed: number;
  run: (machine: Machine) => void | Promise<void>;
}

class Machine {
  /** Since the last mark; what was before it waits in `#below`. */
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
    if (window.uint8() !== 0x80) throw new Refusal('holds no pickle of protocol 2 or newer where one should be');
    this.protocol(window.uint8());
    for (let count = 0; !this.#done; count++) {
      if (count === MAX_OPCODES) throw new Refusal(`has a pickle of more than ${MAX_OPCODES} steps`);
      if (!window.has(1)) await window.ensure(1);
      const code = window.uint8();
      const opcode = OPCODES.get(code);
      if (opcode === undefined) throw new Refusal(`has a pickle with the opcode ${hex(code)}, which is not read`);
      if (!window.has(opcode.fixed)) await window.ensure(opcode.fixed);
      const more = opcode.run(this);
      if (more !== undefined) await more;
    }
    return this.pop();
  }

  protocol(version: number): void {
    if (version < 2 || version > 5) throw new Refusal(`has a pickle of protocol ${version}, and 2 to 5 are read`);
  }

  stop(): void {
    if (this.#below.length > 0) throw new Refusal('has a pickle that ends within a mark');
    this.#done = true;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length === 0) throw new Refusal('has a pickle that takes more than it has put');
    return this.#stack.pop();
  }

  top(): unknown {
    if (this.#stack.length === 0) throw new Refusal('has a pickle that looks at nothing');
    return this.#stack.at(-1);
  }

  mark(): void {
    this.#below.push(this.#stack);
    this.#stack = [];
  }

  /** What was put since the last mark. */
  popMark(): unknown[] {
    const below = this.#below.pop();
    if (below === undefined) throw new Refusal('has a pickle without the mark that it goes back to');
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
    if (!this.#memo.has(index)) throw new Refusal(`has a pickle that recalls ${index}, which it has not remembered`);
    this.push(this.#memo.get(index));
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    if (list instanceof Opaque) return;
    if (!Array.isArray(list) || Object.isFrozen(list)) throw new Refusal('has a pickle that appends to no list');
    for (const item of items) list.push(item);
  }

  setItems(items: readonly unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof Map)) throw new Refusal('has a pickle that sets items of no dict');
    if (items.length % 2 !== 0) throw new Refusal('has a pickle with a key and no value');
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (dict.has(key)) throw new Refusal(`names ${show(key)} twice`);
      dict.set(key, items[i + 1]);
    }
  }

  newDict(items: readonly unknown[]): void {
    this.push(new Map());
    this.setItems(items);
  }

  addItems(items: readonly unknown[]): void {
    const set = this.top();
    if (!(set instanceof Set)) throw new Refusal('has a pickle that adds to no set');
    for (const item of items) set.add(item);
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw new Refusal('has a pickle with a global whose name is no text');
    }
    const full = `${module}.${name}`;
    const known = this.rules.globals.get(full);
    if (known === undefined) {
      throw new ResNetError(
        'ERR_WEIGHTS_GLOBAL',
        `${this.rules.path} names the Python global ${show(full)}, which no state dict needs. ` +
          'Nothing of the file was run. Save the state dict alone, and plain numbers and strings beside it.',
      );
    }
    this.push(known);
  }

  /** A call, or the making of an object: what either makes is the global's own affair. */
  call(): void {
    const args = this.pop();
    const callee = this.pop();
    if (!(callee instanceof Global) || callee.call === undefined || !Array.isArray(args)) {
      throw new Refusal(`has a pickle that calls ${callee instanceof Global ? callee.name : 'what is no global'}`);
    }
    this.charge(args as unknown[]);
    this.push(callee.call(args as unknown[]));
  }

  /** One list in the memo, or one text, can be handed over a million times, by a few bytes each. */
  charge(given: readonly unknown[]): void {
    for (const value of given) if (Array.isArray(value) || typeof value === 'string') this.#copied += value.length;
    if (this.#copied > MAX_COPIED) throw new Refusal('has a pickle that copies the same values again and again');
  }

  build(): void {
    const state = this.pop();
    const target = this.top();
    // A dict's attributes, e.g. a state dict's `_metadata`, and what is inside an object that nobody looks at.
    if (target instanceof Map || target instanceof Opaque) return;
    if (!isBuildable(target)) throw new Refusal('has a pickle that gives a state to what takes none');
    if (Array.isArray(state)) this.charge(state);
    target.build(state);
  }

  persistent(): void {
    const { persistent } = this.rules;
    if (persistent === undefined) throw new Refusal('has a pickle that refers to an object outside of it');
    this.push(persistent(this.pop()));
  }

  bytes(length: number): void {
    this.push(new PickledBytes(this.window.position, length));
    this.window.skip(length);
  }

  async text(length: number): Promise<void> {
    const { window } = this;
    const place = new LongText(window.position, length);
    if (length > LONGEST_TEXT) {
      window.skip(length);
      this.push(place);
      return;
    }
    this.#textBytes += length;
    if (this.#textBytes > MAX_TEXT_BYTES) throw new Refusal(`has a pickle of more than ${MAX_TEXT_BYTES} characters`);
    if (!window.has(length)) await window.ensure(length);
    this.push(decode(window.take(length)));
  }

  async integer(length: number): Promise<void> {
    if (length > LONGEST_INTEGER) throw new Refusal(`has a pickle with an integer of ${length} bytes`);
    await this.window.ensure(length);
    this.push(signed(this.window.take(length)));
  }

  async line(): Promise<string> {
    const bytes: number[] = [];
    for (;;) {
      await this.window.ensure(1);
      const byte = this.window.uint8();
      if (byte === 0x0a) return decode(Uint8Array.from(bytes));
      if (bytes.push(byte) > LONGEST_NAME) throw new Refusal('has a pickle with a global whose name does not end');
    }
  }
}

function isBuildable(value: unknown): value is Buildable {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Buildable>).build === 'function';
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new Refusal('has a pickle with a text that is not UTF-8');
  }
}

/** Two's complement, little-endian; a number where it is exact. */
function signed(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  const integer = BigInt.asIntN(bytes.length * 8, value);
  return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
}

const hex = (code: number): string => `0x${code.toString(16).padStart(2, '0')}`;

/** By their names in Python's pickletools. */
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
