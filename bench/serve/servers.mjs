import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const here = import.meta.dirname;
const command = join(here, '..', '..', 'dist', 'cli', 'main.js');

/** What is measured, by name: the arguments of the Node that serves ResNet-`layers` at `port`. */
export const SERVERS = new Map([
  ['plain onnxruntime float32', ({ models, layers, port }) => plain(join(models, `resnet${layers}.onnx`), port)],
  ['plain onnxruntime int8', ({ models, layers, port }) => plain(join(models, `resnet${layers}.int8.onnx`), port)],
  ['resnet serve float32', (task) => ours('float32', task)],
  ['resnet serve bfloat16', (task) => ours('bfloat16', task)],
  ['resnet serve int8', (task) => ours('int8', task)],
]);

const plain = (model, port) => [join(here, 'plain.mjs'), model, String(port)];

function ours(dtype, { models, layers, port }) {
  const weights = ['--weights', join(models, `resnet${layers}.safetensors`)];
  const calibration = ['--calibration', join(models, `resnet${layers}.calibration.json`)];
  return [
    command,
    'serve',
    ...weights,
    ...['--port', String(port), '--dtype', dtype, '--log-level', 'error'],
    ...(dtype === 'int8' ? calibration : []),
  ];
}

/** Starts a server and waits until it is ready: { url, stop() }, where stop ends it and fails if it did not end well. */
export async function start(name, task) {
  const port = await freePort();
  const child = spawn(process.execPath, SERVERS.get(name)({ ...task, port }), {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  while (!(await isReady(url))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${said.trim()}`);
    await pause(100);
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const isReady = (url) =>
  fetch(`${url}/v2/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
