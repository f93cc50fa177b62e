import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { root } from '../support/node';

const SOURCE = `
  require('./dist/cli/signals').onSignals((code) => console.log('first ' + code)); // and never exits by itself
  setInterval(() => undefined, 1000);
  console.log('ready');`;

test.each([
  ['SIGTERM', 143, 'SIGINT', 130],
  ['SIGINT', 130, 'SIGINT', 130],
  ['SIGTERM', 143, 'SIGTERM', 143],
] as const)(
  '%s is handed over as %i, and %s after it ends the process at once with %i',
  async (one, code, two, end) => {
    const child = spawn(process.execPath, ['-e', SOURCE], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const heard: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      heard.push(line);
      child.kill(line === 'ready' ? one : two);
    }
    expect(heard).toEqual(['ready', `first ${code}`]);
    expect(await ended).toEqual([end, null]);
  },
);
