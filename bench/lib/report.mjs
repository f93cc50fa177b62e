/** By task and candidate: median, least and most over the rounds of the ratios to the baseline of the same round. */
export function summarize(results, baseline) {
  const rows = new Map();
  for (const result of results) {
    const { layers, batch, inFlight, candidate, round } = result;
    const base = results.find(
      (other) =>
        other.candidate === baseline &&
        other.round === round &&
        other.layers === layers &&
        other.batch === batch &&
        other.inFlight === inFlight,
    );
    if (base === undefined) continue;
    const key = [layers, batch, inFlight, candidate].join('|');
    const row = rows.get(key) ?? {
      layers,
      batch,
      inFlight,
      candidate,
      throughput: [],
      ready: [],
      startup: [],
      memory: [],
      latency: [],
    };
    row.throughput.push(result.imagesPerSecond / base.imagesPerSecond);
    row.ready.push(result.ready / base.ready);
    row.startup.push(result.startup / base.startup);
    row.memory.push(result.peakAtFirst / base.peakAtFirst);
    row.latency.push(result.median / base.median);
    rows.set(key, row);
  }
  return [...rows.values()].map((row) => ({
    ...row,
    throughput: spread(row.throughput),
    ready: spread(row.ready),
    startup: spread(row.startup),
    memory: spread(row.memory),
    latency: spread(row.latency),
  }));
}

export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return {
    median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2,
    least: sorted[0],
    most: sorted.at(-1),
  };
}

export const shown = ({ median, least, most }) => `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`;

export function table(summary, about, missing, command) {
  const lines = [
    `Ratios to onnxruntime-node float32 of the same round, median (least–most). ${about.processor}; Node ${about.node}; ` +
      `${Object.entries(about.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}; ${about.date}. Command: \`${command}\`.`,
    '',
  ];
  const tasks = new Map();
  for (const row of summary) {
    const title = `ResNet-${row.layers}, batch ${row.batch}${row.inFlight > 1 ? `, ${row.inFlight} requests in flight` : ''}`;
    tasks.set(title, [...(tasks.get(title) ?? []), row]);
  }
  for (const [title, rows] of tasks) {
    lines.push(
      `### ${title}`,
      '',
      '| | throughput | latency | loaded after | first answer after | peak memory then |',
      '|---|---|---|---|---|---|',
    );
    for (const row of rows) {
      lines.push(
        `| ${row.candidate} | ${shown(row.throughput)} | ${shown(row.latency)} | ${shown(row.ready)} | ${shown(row.startup)} | ${shown(row.memory)} |`,
      );
    }
    lines.push('');
  }
  for (const [name, reason] of missing) lines.push(`Not measured: ${name} (${reason}).`);
  return `${lines.join('\n').trimEnd()}\n`;
}
