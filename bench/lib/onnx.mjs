import { writeFileSync } from 'node:fs';
import { bytes, float, int } from './protobuf.mjs';

const TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6 };

/** Collects the nodes of an ONNX graph and writes it. Field numbers are onnx.proto's. */
export class Graph {
  #nodes = [];
  #initializers = [];

  /** @returns the name of the output, which is the node's as well */
  node(op, name, inputs, attributes = {}) {
    this.#nodes.push(
      bytes(
        1,
        Buffer.concat([
          ...inputs.map((input) => bytes(1, input)),
          bytes(2, name),
          bytes(3, name),
          bytes(4, op),
          ...Object.entries(attributes).map(([key, value]) => bytes(5, attribute(key, value))),
        ]),
      ),
    );
    return name;
  }

  /** @returns the name */
  tensor(name, dtype, dims, data) {
    const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#initializers.push(
      bytes(5, Buffer.concat([...dims.map((dim) => int(1, dim)), int(2, TYPES[dtype]), bytes(8, name), bytes(9, raw)])),
    );
    return name;
  }

  /** @param outputs names; the first has the shape ['N', numClasses], others are left open */
  write(path, input, outputs) {
    const graph = Buffer.concat([
      ...this.#nodes,
      bytes(2, 'resnet'),
      ...this.#initializers,
      bytes(11, value(input, ['N', 3, 'H', 'W'])),
      ...outputs.map((name) => bytes(12, value(name))),
    ]);
    const opset = Buffer.concat([bytes(1, ''), int(2, 17)]);
    writeFileSync(
      path,
      Buffer.concat([int(1, 8), bytes(2, 'libtorch-resnet-bench'), bytes(7, graph), bytes(8, opset)]),
    );
  }
}

function attribute(name, value) {
  const named = bytes(1, name);
  if (Array.isArray(value)) return Buffer.concat([named, ...value.map((one) => int(8, one)), int(20, 7)]);
  if (Number.isInteger(value)) return Buffer.concat([named, int(3, value), int(20, 2)]);
  return Buffer.concat([named, float(2, value), int(20, 1)]);
}

function value(name, dims) {
  const shape = dims?.map((dim) => bytes(1, typeof dim === 'string' ? bytes(2, dim) : int(1, dim)));
  const tensor = Buffer.concat([
    int(1, TYPES.float32),
    ...(shape === undefined ? [] : [bytes(2, Buffer.concat(shape))]),
  ]);
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, tensor))]);
}
