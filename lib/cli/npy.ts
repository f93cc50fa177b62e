/**
 * The header of a `.npy` file (NumPy's format 1.0) of float32 [rows, columns]; the values follow, little-endian and
 * row-major.
 */
export function npyHeader(rows: number, columns: number): Uint8Array {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const prefix = 10; // magic, version, length
  const length = Math.ceil((prefix + dictionary.length + 1) / 64) * 64 - prefix; // the values are aligned to 64 bytes
  const header = Buffer.alloc(prefix, '\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(length, 8);
  return Buffer.concat([header, Buffer.from(`${dictionary.padEnd(length - 1)}\n`)]);
}
