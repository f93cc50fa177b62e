import { layersOf } from './layers.mjs';
import { Graph } from './onnx.mjs';

/**
 * Writes a ResNet as a float32 ONNX file.
 *
 * @param everything - all tensors are outputs, for calibration
 * @returns the names of the outputs
 */
export function exportFloat(net, path, everything = false) {
  const graph = new Graph();
  const tensors = [];
  for (const layer of layersOf(net)) {
    const { name, input } = layer;
    tensors.push(name);
    if (layer.kind === 'pool') graph.node('MaxPool', name, [input], POOL);
    if (layer.kind === 'mean') graph.node('Flatten', name, [graph.node('GlobalAveragePool', `${name}.map`, [input])]);
    if (layer.weight === undefined) continue;
    const weight = graph.tensor(`${name}.weight`, 'float32', layer.shape, layer.weight);
    const bias = graph.tensor(`${name}.bias`, 'float32', [layer.shape[0]], layer.bias);
    if (layer.kind === 'linear') {
      graph.node('Gemm', name, [input, weight, bias], { transB: 1 });
      continue;
    }
    const relu = layer.relu ? (x) => graph.node('Relu', name, [x]) : (x) => x;
    const convName = layer.relu || layer.shortcut ? `${name}.conv` : name;
    const y = graph.node('Conv', convName, [input, weight, bias], convolution(layer));
    if (layer.shortcut === undefined) {
      relu(y);
    } else {
      tensors.push(convName);
      relu(graph.node('Add', `${name}.sum`, [y, layer.shortcut]));
    }
  }
  const outputs = everything ? tensors : ['logits'];
  graph.write(path, 'input', outputs);
  return outputs;
}

/**
 * Writes it quantized as onnxruntime's quantize_static does: QDQ, uint8 activations, int8 weights per channel, ReLUs
 * left to the clamp at 0.
 *
 * @param ranges - by tensor of {@link exportFloat}, and of 'input': [least, most]
 */
export function exportInt8(net, path, ranges) {
  const graph = new Graph();
  const scales = (name) => {
    const [least, most] = ranges.get(name);
    const scale = (Math.max(most, 0) - Math.min(least, 0)) / 255 || 1;
    return { scale, zero: Math.round(-Math.min(least, 0) / scale) };
  };
  /** The tensor of that name as int8 sees it; `from` is the float node that it comes from. */
  const seen = (name, from = name, like = name) => {
    const { scale, zero } = scales(like);
    const s = graph.tensor(`${name}.scale`, 'float32', [], new Float32Array([scale]));
    const z = graph.tensor(`${name}.zero`, 'uint8', [], new Uint8Array([zero]));
    return graph.node('DequantizeLinear', `${name}.dq`, [
      graph.node('QuantizeLinear', `${name}.q`, [from, s, z]),
      s,
      z,
    ]);
  };
  const values = new Map([['input', seen('input')]]);
  const like = new Map(); // whose range a value has
  for (const layer of layersOf(net)) {
    const { name, input } = layer;
    const x = values.get(input);
    if (layer.kind === 'pool') {
      like.set(name, input);
      values.set(name, seen(name, graph.node('MaxPool', `${name}.max`, [x], POOL), input));
    } else if (layer.kind === 'mean') {
      const mean = seen(name, graph.node('GlobalAveragePool', `${name}.map`, [x]));
      values.set(name, seen(`${name}.flat`, graph.node('Flatten', `${name}.features`, [mean]), name));
    } else if (layer.kind === 'linear') {
      graph.node('Gemm', name, [x, ...parameters(graph, layer, scales(input).scale)], { transB: 1 });
    } else {
      const weights = parameters(graph, layer, scales(like.get(input) ?? input).scale);
      const y = graph.node('Conv', `${name}.conv`, [x, ...weights], convolution(layer));
      if (layer.shortcut === undefined) {
        values.set(name, seen(name, y));
      } else {
        const conv = seen(`${name}.residual`, y, `${name}.conv`);
        values.set(name, seen(name, graph.node('Add', `${name}.sum`, [conv, values.get(layer.shortcut)])));
      }
    }
  }
  graph.write(path, 'input', ['logits']);
}

const POOL = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] };

function convolution({ shape, stride, padding }) {
  return { kernel_shape: shape.slice(2), pads: [padding, padding, padding, padding], strides: [stride, stride] };
}

/** Weight and bias of a quantized layer, as integers that are dequantized per channel. */
function parameters(graph, { name, weight, bias, shape }, inputScale) {
  const [out] = shape;
  const window = weight.length / out;
  const [scales, sums] = [new Float32Array(out), new Float32Array(out)];
  const [w, b] = [new Int8Array(weight.length), new Int32Array(out)];
  for (let o = 0; o < out; o++) {
    const row = weight.subarray(o * window, (o + 1) * window);
    scales[o] = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127 || 1;
    sums[o] = scales[o] * inputScale;
    row.forEach((value, i) => (w[o * window + i] = Math.round(value / scales[o])));
    b[o] = Math.round(bias[o] / sums[o]);
  }
  const dequantized = (part, dtype, dims, data, scale, zeros) =>
    graph.node(
      'DequantizeLinear',
      `${name}.${part}`,
      [
        graph.tensor(`${name}.${part}.q`, dtype, dims, data),
        graph.tensor(`${name}.${part}.scale`, 'float32', [out], scale),
        graph.tensor(`${name}.${part}.zero`, dtype, [out], zeros),
      ],
      { axis: 0 },
    );
  return [
    dequantized('weight', 'int8', shape, w, scales, new Int8Array(out)),
    dequantized('bias', 'int32', [out], b, sums, new Int32Array(out)),
  ];
}
