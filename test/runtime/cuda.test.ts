import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runScript } from '../support/node';

/** Asks for `device` with a stand-in for libtorch's CUDA library; in a process of its own, since the answer is kept. */
async function asking(device: string, library: string, devices?: number): Promise<{ code: string; message: string }> {
  const ended = await runScript(`
    const { addon } = require('./dist/native/addon');
    const { BasicBlock, cudaStatus, devices } = require('./dist');
    addon()._setCudaSource(${JSON.stringify(library)}, ${String(devices)});
    try {
      new BasicBlock(1, 1, 1, { device: ${JSON.stringify(device)} });
    } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message, status: cudaStatus(), cpu: devices()[0].name }));
    }
  `);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const { code, message, status, cpu } = JSON.parse(ended.stdout);
  expect(cpu).toBe('cpu');
  if (!status.available) expect(message).toContain(status.reason);
  return { code, message };
}

describe('CUDA asked for and not to be had says which of the four reasons it is', () => {
  let folder: string;
  const library = (name: string): string => join(folder, name);
  const compile = (name: string, ...needs: string[]): void => {
    writeFileSync(library('empty.c'), '');
    const args = [
      '-shared',
      '-fPIC',
      '-o',
      library(name),
      library('empty.c'),
      `-L${folder}`,
      '-Wl,--no-as-needed',
      ...needs,
    ];
    execFileSync('cc', args);
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'resnet-cuda-'));
    compile('libtorch_cuda.so');
    compile('libcublas_of_the_test.so');
    compile('libtorch_cuda_needy.so', '-lcublas_of_the_test');
    rmSync(library('libcublas_of_the_test.so'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('a libtorch without CUDA', async () => {
    const { code, message } = await asking('cuda', library('nowhere.so'));
    expect(code).toBe('ERR_CUDA_VARIANT');
    expect(message).toContain('LIBTORCH_VARIANT=cuda');
  });

  test('a path that the system does not even look at', async () => {
    expect(await asking('cuda', '/x'.repeat(5000))).toMatchObject({ code: 'ERR_CUDA_VARIANT' });
  });

  test('a library that is missing, by name', async () => {
    const { code, message } = await asking('cuda:1', library('libtorch_cuda_needy.so'));
    expect(code).toBe('ERR_CUDA_LIBRARY');
    expect(message).toContain('libcublas_of_the_test.so');
  });

  test('no driver', async () => {
    expect(await asking('cuda', library('libtorch_cuda.so'), 0)).toMatchObject({ code: 'ERR_CUDA_DRIVER' });
  });

  test('no such index', async () => {
    const { code, message } = await asking('cuda:2', library('libtorch_cuda.so'), 2);
    expect(code).toBe('ERR_CUDA_INDEX');
    expect(message).toBe("device 'cuda:2' does not exist: there are 2 CUDA devices, numbered from 0.");
  });
});
