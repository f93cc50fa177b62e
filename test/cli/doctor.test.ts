import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { addDoctor, examine, type Report } from '../../lib/cli/doctor';
import { temporaryFolder } from '../support/files';

const cache = temporaryFolder();

async function doctor(...args: string[]): Promise<{ output: string; code: typeof process.exitCode }> {
  const program = new Command();
  addDoctor(program);
  const before = process.exitCode;
  let output = '';
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    output += String(chunk);
    return true;
  });
  try {
    await program.parseAsync(['node', 'resnet', 'doctor', ...args]);
    return { output, code: process.exitCode };
  } finally {
    spy.mockRestore();
    process.exitCode = before ?? 0;
  }
}

test('a usable install, as text', async () => {
  const { output, code } = await doctor();
  expect(output).toMatch(/libtorch +2\.15\.0/);
  expect(output).toMatch(/cpu /);
  expect(output).toMatch(/threads +\d+ /);
  expect(output).toContain('Usable.\n');
  expect(output).not.toContain('\u001b'); // no colors into a pipe
  expect(code).toBe(0);
});

test('the same as JSON', async () => {
  const { output, code } = await doctor('--format', 'json');
  const report = JSON.parse(output) as Report;
  expect(report.usable).toBe(true);
  expect(report.problems).toEqual([]);
  expect(report.native?.versions.libtorch).toBe('2.15.0');
  expect(report.install.cmake).toMatch(/^\d/);
  expect(code).toBe(0);
});

test('downloaded weights', async () => {
  mkdirSync(join(cache, 'weights'));
  writeFileSync(join(cache, 'weights', 'resnet18-f37072fd.pth'), Buffer.alloc(1500));
  const before = process.env.LIBTORCH_RESNET_CACHE;
  process.env.LIBTORCH_RESNET_CACHE = cache;
  try {
    const { output } = await doctor();
    expect(output).toMatch(/weights +\S+\/weights\n +resnet18-f37072fd\.pth {2}2 kB\n/);
  } finally {
    if (before === undefined) delete process.env.LIBTORCH_RESNET_CACHE;
    else process.env.LIBTORCH_RESNET_CACHE = before;
  }
});

test('without the addon it still prints facts and what to do', async () => {
  const report = await examine(
    () => {
      throw new Error('The native addon is not built: run npm rebuild.');
    },
    { PATH: '/nowhere' },
  );
  expect(report.usable).toBe(false);
  expect(report.native).toBeNull();
  expect(report.install.package).toMatch(/^\d/);
  expect(report.problems.join('\n')).toMatch(
    /npm rebuild[\s\S]*apt install g\+\+[\s\S]*apt install cmake[\s\S]*python3-pip/,
  );
});
