import { shown, spread } from '../lib/report.mjs';

/** Ratios alone: to the plain float32 server of the same round, and to the bare network of the same dtype and round. */
export function report(results, about, command) {
  const ratios = (rows, ratio) => {
    const values = rows.map(ratio).filter(Number.isFinite);
    return values.length === 0 ? '' : shown(spread(values));
  };
  const find = (row, other) => results.find((one) => one.round === row.round && other(one));
  const lines = [
    `\`resnet serve\` and a plain server (Fastify, sharp, onnxruntime-node: \`serve/plain.mjs\`), JPEGs of 500 x 375 from a second process. ` +
      `Median (least–most) of rounds. ${about.processor}; Node ${about.node}; ` +
      `${Object.entries(about.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}; ${about.date}. Command: \`${command}\`.`,
    '',
  ];
  const loads = results.filter(({ connections }) => connections !== undefined);
  for (const connections of new Set(loads.map((row) => row.connections))) {
    lines.push(
      `### ${connections} connection${connections > 1 ? 's' : ''}`,
      '',
      '| | throughput | p50 | p99 | of the bare network | the same, without the cores that the load takes | refused |',
      '|---|---|---|---|---|---|---|',
    );
    const rows = loads.filter((row) => row.connections === connections);
    for (const name of new Set(rows.map((row) => row.name))) {
      const mine = rows.filter((row) => row.name === name);
      const base = (row) =>
        find(row, (one) => one.connections === connections && one.name === 'plain onnxruntime float32');
      const bare = (row) => find(row, (one) => one.name === name && one.bare !== undefined)?.bare;
      const sent = mine.reduce((sum, { accepted, refused }) => sum + accepted.count + refused.count, 0);
      const refused = mine.reduce((sum, row) => sum + row.refused.count, 0);
      lines.push(
        `| ${[
          name,
          ratios(mine, (row) => row.imagesPerSecond / base(row)?.imagesPerSecond),
          ratios(mine, (row) => row.accepted.p50 / base(row)?.accepted.p50),
          ratios(mine, (row) => row.accepted.p99 / base(row)?.accepted.p99),
          ratios(mine, (row) => row.imagesPerSecond / bare(row)),
          ratios(mine, (row) => row.withoutGenerator / bare(row)),
          `${((100 * refused) / sent).toFixed(0)} %`,
        ].join(' | ')} |`,
      );
    }
    lines.push('');
  }
  const overloads = results.filter(({ overload }) => overload !== undefined);
  if (overloads.length > 0) {
    lines.push(
      '### At twice the load that it can take',
      '',
      'Accepted requests beside those at capacity (as many connections as it admits, each always waiting); and how fast the rest is refused.',
      '',
      '| | p99 of the accepted | their throughput | refused | 503 after, ms: p50, p99, most |',
      '|---|---|---|---|---|',
    );
    for (const name of new Set(overloads.map((row) => row.name))) {
      const mine = overloads.filter((row) => row.name === name);
      const sum = (of) => mine.reduce((total, { overload }) => total + of(overload), 0);
      const worst = (of) => Math.max(...mine.map(({ overload }) => of(overload.refused))).toFixed(0);
      lines.push(
        `| ${[
          name,
          ratios(mine, ({ capacity, overload }) => overload.accepted.p99 / capacity.accepted.p99),
          ratios(mine, ({ capacity, overload }) => overload.imagesPerSecond / capacity.imagesPerSecond),
          `${((100 * sum((one) => one.refused.count)) / sum((one) => one.refused.count + one.accepted.count)).toFixed(0)} %`,
          `${worst(({ p50 }) => p50)}, ${worst(({ p99 }) => p99)}, ${worst(({ most }) => most)}`,
        ].join(' | ')} |`,
      );
    }
    lines.push('');
  }
  const strange = results.flatMap(({ name, others = [], failures = 0 }) =>
    failures > 0 || others.length > 0 ? [`${name}: ${failures} failures, ${JSON.stringify(others)}`] : [],
  );
  lines.push(strange.length === 0 ? 'Nothing failed, and no other status came.' : strange.join('\n'));
  return `${lines.join('\n')}\n`;
}
