const BLOCKS = { 18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3] };

/**
 * A ResNet as a list of layers for other engines, batch norms folded as PyTorch's exporter leaves a network in eval
 * mode: { kind: 'conv' | 'pool' | 'mean' | 'linear', name, input, … }.
 */
export function layersOf(net) {
  const state = net.stateDict();
  const layers = [];
  const add = (layer) => {
    layers.push(layer);
    return layer.name;
  };
  const conv = (name, module, norm, input, stride, rest) =>
    add({ kind: 'conv', name, input, stride, ...folded(state, module, norm), ...rest });

  let x = conv('conv1', 'conv', 'bn', 'input', 2, { relu: true });
  x = add({ kind: 'pool', name: 'pool', input: x });
  const parts = net.layers >= 50 ? [1, 2, 3] : [1, 2];
  let block = 0;
  BLOCKS[net.layers].forEach((count, stage) => {
    for (let i = 0; i < count; i++, block++) {
      const from = `residual_block.${block}`;
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const down = `${from}.down_sample_block`;
      const shortcut = state.has(`${down}.0.weight`)
        ? conv(`b${block}.down`, `${down}.0`, `${down}.1`, x, stride, { relu: false })
        : x;
      for (const part of parts) {
        const module = `${from}.conv_bn_block${part}`;
        const strided = part === (net.layers >= 50 ? 2 : 1);
        const last = part === parts.at(-1);
        x = conv(`b${block}.conv${part}`, `${module}.0`, `${module}.1`, x, strided ? stride : 1, {
          relu: true,
          shortcut: last ? shortcut : undefined,
        });
      }
    }
  });
  x = add({ kind: 'mean', name: 'mean', input: x });
  const { data: weight, shape } = state.get('fc.weight');
  add({ kind: 'linear', name: 'logits', input: x, weight, bias: state.get('fc.bias').data, shape });
  return layers;
}

function folded(state, conv, norm) {
  const { data, shape } = state.get(`${conv}.weight`);
  const [gamma, beta, mean, variance] = ['weight', 'bias', 'running_mean', 'running_var'].map(
    (name) => state.get(`${norm}.${name}`).data,
  );
  const window = data.length / shape[0];
  const weight = new Float32Array(data.length);
  const bias = new Float32Array(shape[0]);
  for (let o = 0; o < shape[0]; o++) {
    const scale = gamma[o] / Math.sqrt(variance[o] + 1e-5);
    bias[o] = beta[o] - mean[o] * scale;
    for (let i = 0; i < window; i++) weight[o * window + i] = data[o * window + i] * scale;
  }
  return { weight, bias, shape, padding: (shape[2] - 1) / 2 };
}
