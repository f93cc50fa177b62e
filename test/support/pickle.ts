/**
 * Writes pickles as Python does, of protocol 2 or 4, for files that tests make up. Strings, numbers, booleans, null,
 * arrays (lists), Maps (dicts) and Uint8Arrays (bytes) stand for themselves.
 */
class Node {
  constructor(readonly write: (protocol: number) => Buffer[]) {}
}

export type Pickled = Node | null | boolean | number | bigint | string | Uint8Array | Pickled[] | Map<Pickled, Pickled>;

const code = (text: string): Buffer => Buffer.from(text, 'latin1');
const MARK = code('(');

export const tuple = (...items: Pickled[]): Node =>
  new Node((protocol) => [MARK, ...items.flatMap((item) => parts(item, protocol)), code('t')]);

export const global = (module: string, name: string): Node =>
  new Node((protocol) =>
    protocol < 4
      ? [code(`c${module}\n${name}\n`)]
      : [...parts(module, protocol), ...parts(name, protocol), code('\x93')],
  );

export const reduce = (callee: Pickled, ...args: Pickled[]): Node =>
  new Node((protocol) => [...parts(callee, protocol), ...parts(tuple(...args), protocol), code('R')]);

export const build = (target: Pickled, state: Pickled): Node =>
  new Node((protocol) => [...parts(target, protocol), ...parts(state, protocol), code('b')]);

export const persistent = (id: Pickled): Node => new Node((protocol) => [...parts(id, protocol), code('Q')]);

/** cls(*args, **keywords), of protocol 4. */
export const construct = (callee: Pickled, args: Pickled[], keywords: Map<Pickled, Pickled>): Node =>
  new Node((protocol) =>
    [callee, tuple(...args), keywords].flatMap((part) => parts(part, protocol)).concat(code('\x92')),
  );

/** The items are added to the target: a deque's, a dict's. */
export const append = (target: Pickled, ...items: Pickled[]): Node =>
  new Node((protocol) => [
    ...parts(target, protocol),
    MARK,
    ...items.flatMap((item) => parts(item, protocol)),
    code('e'),
  ]);

export const setItems = (target: Pickled, items: Map<Pickled, Pickled>): Node =>
  new Node((protocol) => [
    ...parts(target, protocol),
    MARK,
    ...[...items].flat().flatMap((item) => parts(item, protocol)),
    code('u'),
  ]);

/** Opcodes as they are. */
export const raw = (bytes: string): Node => new Node(() => [code(bytes)]);

export function pickle(value: Pickled, protocol = 2): Buffer {
  return Buffer.concat([Buffer.from([0x80, protocol]), ...parts(value, protocol), code('.')]);
}

function parts(value: Pickled, protocol: number): Buffer[] {
  if (value instanceof Node) return value.write(protocol);
  if (value === null) return [code('N')];
  if (typeof value === 'boolean') return [code(value ? '\x88' : '\x89')];
  if (typeof value === 'number') return [number(value)];
  if (typeof value === 'bigint') return [long(value)];
  if (typeof value === 'string') return sized('X', Buffer.from(value));
  if (Array.isArray(value)) return [code(']'), MARK, ...value.flatMap((item) => parts(item, protocol)), code('e')];
  if (value instanceof Map) {
    const items = [...value].flatMap(([key, item]) => [...parts(key, protocol), ...parts(item, protocol)]);
    return [code('}'), MARK, ...items, code('u')];
  }
  if (protocol >= 3) return sized('B', value);
  // Protocol 2 has no bytes.
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
  return parts(reduce(global('_codecs', 'encode'), text, 'latin1'), protocol);
}

function sized(opcode: string, bytes: Uint8Array): Buffer[] {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return [code(opcode), length, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)];
}

function number(value: number): Buffer {
  if (Number.isInteger(value) && Math.abs(value) >= 2 ** 31) return long(BigInt(value));
  const bytes = Buffer.alloc(Number.isInteger(value) ? 5 : 9);
  if (Number.isInteger(value)) {
    bytes.write('J');
    bytes.writeInt32LE(value, 1);
  } else {
    bytes.write('G');
    bytes.writeDoubleBE(value, 1);
  }
  return bytes;
}

/** LONG1. */
function long(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; bytes.length === 0 || (rest !== 0n && rest !== -1n); rest >>= 8n) {
    bytes.push(Number(rest & 255n));
  }
  bytes.push(value < 0n ? 255 : 0);
  return Buffer.from([0x8a, bytes.length, ...bytes]);
}
