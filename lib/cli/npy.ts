/**
 * The beginning of a `.npy` file (numpy's format 1.0) of float32, row after row: the values follow, little-endian.
 */
export function npyHeader(rows: number, columns: number): Uint8Array {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const before = 10; // magic, version, length
  const length = Math.ceil((before + dictionary.length + 1) / 64) * 64 - before; // the values are aligned to 64 bytes
  const header = Buffer.alloc(before, '\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(length, 8);
  return Buffer.concat([header, Buffer.from(`${dictionary.padEnd(length - 1)}\n`)]);
}
