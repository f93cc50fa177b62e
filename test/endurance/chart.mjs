const [WIDTH, HEIGHT] = [64, 6];
const BLOCKS = ' ▁▂▃▄▅▆▇█';

/**
 * A curve of bytes over rounds, from 0 up.
 *
 * @param {readonly [round: number, bytes: number][]} samples - in order
 * @returns {string} lines of text
 */
export function chart(samples) {
  const last = samples.at(-1)[0];
  const width = Math.min(WIDTH, samples.length);
  const columns = Array.from({ length: width }, (_, i) => {
    const [from, to] = [i, i + 1].map((edge) => Math.floor((edge * samples.length) / width));
    return Math.max(...samples.slice(from, to).map(([, bytes]) => bytes));
  });
  const most = Math.max(...columns);
  const lines = Array.from({ length: HEIGHT }, (_, line) => {
    const label = line === 0 ? `${(most / 1e6).toFixed(0)} MB` : '';
    const cells = columns.map((bytes) => {
      const eighths = Math.round((bytes / most) * HEIGHT * 8) - (HEIGHT - 1 - line) * 8;
      return BLOCKS[Math.min(8, Math.max(0, eighths))];
    });
    return `${label.padStart(8)} │${cells.join('')}`.trimEnd();
  });
  return [...lines, `${'0'.padStart(8)} └${'─'.repeat(columns.length)} ${last} rounds`].join('\n');
}
