/** As much of the protobuf wire format as an ONNX file takes. */

function varint(value) {
  const bytes = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

const key = (field, wire) => varint((field << 3) | wire);

export const int = (field, value) => Buffer.concat([key(field, 0), varint(value)]);

export function float(field, value) {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, 5), bytes]);
}

/** A message, a string, or bytes. */
export function bytes(field, value) {
  const content = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([key(field, 2), varint(content.length), content]);
}
