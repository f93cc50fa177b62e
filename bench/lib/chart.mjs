const COLORS = {
  ours: '#0b7285',
  onnxruntime: '#868e96',
  pytorch: '#e8590c',
  openvino: '#5f3dc4',
  tensorflow: '#f08c00',
};
const NAMES = {
  ours: 'libtorch-resnet',
  onnxruntime: 'onnxruntime-node',
  pytorch: 'PyTorch',
  openvino: 'OpenVINO',
  tensorflow: 'TensorFlow.js',
};

/** Throughput of ResNet-50 at the largest batch up to 8 that was measured, as horizontal bars. */
export function chart(summary, about) {
  const deepest = Math.max(...summary.map((row) => row.layers));
  const alone = summary.filter((row) => row.layers === deepest && row.inFlight === 1);
  const batch = Math.max(...alone.map((row) => row.batch).filter((size) => size <= 8));
  const rows = alone
    .filter((row) => row.batch === batch && NAMES[row.candidate.split(' ')[0]] !== undefined)
    .sort((a, b) => b.throughput.median - a.throughput.median);
  const most = rows[0].throughput.median;
  const [left, width, step] = [230, 430, 30];
  const height = 64 + rows.length * step + 30;
  const bars = rows.map((row, i) => {
    const [engine, dtype] = row.candidate.split(' ');
    const y = 64 + i * step;
    const length = (row.throughput.median / most) * width;
    return [
      `<text class="t" x="${left - 10}" y="${y + 15}" text-anchor="end">${NAMES[engine]} ${dtype}</text>`,
      `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="20" rx="3" fill="${COLORS[engine]}"/>`,
      `<text class="t" x="${left + length + 8}" y="${y + 15}">${row.throughput.median.toFixed(2)}</text>`,
    ].join('');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 740 ${height}" font-family="system-ui, sans-serif" font-size="14">
<style>.t{fill:#212529}.s{fill:#868e96;font-size:12px}@media(prefers-color-scheme:dark){.t{fill:#e9ecef}}</style>
<text class="t" x="16" y="28" font-size="17" font-weight="600">ResNet-${deepest}, batch ${batch}: images per second, onnxruntime-node float32 = 1</text>
<text class="s" x="16" y="48">${about.processor}, ${about.date}</text>
${bars.join('\n')}
</svg>
`;
}
