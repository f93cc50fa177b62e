/**
 * `resnet doctor`: what is installed, what is missing and how to fix it. It must work without the addon, so it gets its
 * facts from the install's scripts.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { loadSharp } from '../image/sharp';
import { addon, type Addon } from '../native/addon';
import { cachedWeights, weightsFolder } from '../weights/published/cache';
import { colors } from './colors';
import { asJson } from './formats';
import { printable, printableLines } from './printable';

// lib/cli (in tests) and dist/cli are equally deep.
const ROOT = join(__dirname, '..', '..');

interface Libtorch {
  folder: string;
  way: string;
  version: string;
  variant?: string;
}

interface InstallFacts {
  package: string;
  wantedLibtorch: string;
  libtorch: Libtorch | null;
  addon: string;
  cache: { folder: string; content: { name: string; bytes: number }[] };
  cmake: string | null;
  compiler: { command: string; version: string } | null;
  python: { command: string; version: string } | null;
  pip: string | null;
  cudaHint: string | null;
}

interface InstallScripts {
  installFacts(env: NodeJS.ProcessEnv): InstallFacts;
  readableSize(bytes: number): string;
}

interface NativeFacts {
  versions: Addon['versions'];
  devices: ReturnType<Addon['devices']>;
  cuda: ReturnType<Addon['cudaStatus']>;
  cores: number;
}

/** The output of `--format json`. */
export interface Report {
  usable: boolean;
  problems: string[];
  node: string;
  platform: string;
  install: InstallFacts;
  /** Downloaded weights. */
  weights: { folder: string; content: { name: string; bytes: number }[] };
  /** Null if the addon cannot be loaded; `problems` says why. */
  native: NativeFacts | null;
  /** What decodes pictures. Null if it cannot be loaded; `problems` says why. */
  pictures: { sharp: string; libvips: string } | null;
}

const scripts = (): InstallScripts => createRequire(__filename)(join(ROOT, 'scripts', 'facts.js')) as InstallScripts;

/** Adds the subcommand `doctor`. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Show what is installed, what is missing and what to do about it.')
    .addOption(new Option('--format <name>', 'what to print').choices(['text', 'json']).default('text'))
    .action(async ({ format }: { format: 'text' | 'json' }) => {
      const report = await examine();
      process.stdout.write(format === 'json' ? asJson(report) : text(report));
      process.exitCode = report.usable ? 0 : 1;
    });
}

/** Inspects the install and loads the addon. Problems are part of the report, never thrown. */
export async function examine(
  load: () => Addon = addon,
  env: NodeJS.ProcessEnv = process.env,
  loadPictures = loadSharp,
): Promise<Report> {
  const install = scripts().installFacts(env);
  const problems: string[] = [];
  let facts: NativeFacts | null = null;
  try {
    facts = nativeFacts(load());
  } catch (error) {
    problems.push(messageOf(error), ...missingPrerequisites(install));
  }
  let pictures: Report['pictures'] = null;
  try {
    const { sharp, vips } = (await loadPictures()).versions;
    pictures = { sharp, libvips: vips };
  } catch (error) {
    problems.push(messageOf(error));
  }
  return {
    usable: facts !== null && pictures !== null,
    problems,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    install,
    weights: { folder: weightsFolder(env), content: cachedWeights(weightsFolder(env)) },
    native: facts,
    pictures,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function nativeFacts(native: Addon): NativeFacts {
  const cuda = native.cudaStatus(); // first, since it detects the CUDA devices
  return { versions: native.versions, devices: native.devices(), cuda, cores: native.threads().cores };
}

/** What prevents building the addon. */
function missingPrerequisites({ libtorch, compiler, cmake, python, pip }: InstallFacts): string[] {
  const problems: string[] = [];
  if (libtorch !== null && !existsSync(libtorch.folder)) {
    problems.push(`The libtorch it was built with is gone: ${libtorch.folder}. Build the addon again.`);
  }
  if (compiler === null)
    problems.push('No C++ compiler was found. Debian: apt install g++; macOS: xcode-select --install.');
  if (cmake === null) problems.push('CMake was not found. Debian: apt install cmake; macOS: brew install cmake.');
  if (python === null || pip === null) {
    problems.push('No Python 3 with pip was found, to fetch libtorch with. Debian: apt install python3 python3-pip.');
  }
  return problems;
}

function text(report: Report): string {
  const { install, weights, native, pictures } = report;
  const none = colors.yellow('none');
  const row = (name: string, value: string) => `  ${name.padEnd(18)}${value}`;
  const content = (folder: { content: { name: string; bytes: number }[] }) =>
    folder.content.map(({ name, bytes }) => row('', `${printable(name)}  ${scripts().readableSize(bytes)}`));
  const lines = [
    colors.bold('Versions'),
    row('libtorch-resnet', install.package),
    row('Node', `${report.node} on ${report.platform}`),
    row('libtorch', native === null ? none : versions(native.versions)),
    row('sharp', pictures === null ? none : `${pictures.sharp}, libvips ${pictures.libvips}`),
    row('CMake', install.cmake ?? none),
    row('C++ compiler', install.compiler === null ? none : `${install.compiler.version} (${install.compiler.command})`),
    row('Python', install.python === null ? none : `${install.python.version}, pip ${install.pip ?? none}`),
    '',
    colors.bold('Paths'),
    row(
      'libtorch',
      install.libtorch === null ? none : printable(`${install.libtorch.folder} (${install.libtorch.way})`),
    ),
    row(
      'addon',
      existsSync(install.addon) ? printable(install.addon) : `${none}; would be ${printable(install.addon)}`,
    ),
    row('cache', printable(install.cache.folder)),
    ...content(install.cache),
    row('weights', printable(weights.folder)),
    ...content(weights),
    '',
    colors.bold('Devices'),
    ...(native === null ? [row('', none)] : devices(native).map(([name, value]) => row(name, value))),
    ...(install.cudaHint === null ? [] : [row('', install.cudaHint)]),
    '',
    ...report.problems.map((problem) => colors.red(printableLines(problem))),
    verdict(report),
  ];
  return `${lines.join('\n')}\n`;
}

function verdict({ native, pictures }: Report): string {
  if (native === null) return colors.red('Not usable.');
  return pictures === null ? colors.red('Usable with tensors only.') : colors.green('Usable.');
}

function versions({ libtorch, compiled }: Addon['versions']): string {
  return libtorch === compiled ? libtorch : `${libtorch}, but the addon was compiled for ${compiled}`;
}

function devices({ devices, cuda, cores }: NativeFacts): [string, string][] {
  const rows = devices.map(({ name, description, memory }): [string, string] => [
    name,
    [description, memory > 0 ? scripts().readableSize(memory) : ''].filter(Boolean).join(', '),
  ]);
  if (!cuda.available) rows.push(['cuda', `not available: ${cuda.reason}`]);
  return [...rows, ['threads', `${cores} (cores that this process may use)`]];
}
