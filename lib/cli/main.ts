#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { ResNetError, type ErrorCode } from '../errors';
import { addBench } from './bench';
import { addClassify } from './classify';
import { addConvert } from './convert';
import { addDoctor } from './doctor';
import { addExplain } from './explain';
import { addFeatures } from './features';
import { addParams } from './params';
import { printableLines } from './printable';
import { addServe } from './serve';
import { addSummary } from './summary';

/** Exit codes: 0 done, 1 failed, 2 wrong usage. */
const [FAILED, WRONG_USAGE] = [1, 2];

/** Errors of the command line, as opposed to failed work. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_ARGUMENT',
  'ERR_DEVICE',
  'ERR_DTYPE',
  'ERR_JOB_MISMATCH',
  'ERR_SHAPE',
  'ERR_UNSUPPORTED_DTYPE',
  'ERR_UNSUPPORTED_LAYERS',
]);

function program(): Command {
  const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const resnet = new Command('resnet')
    .description('ResNet-18/34/50/101/152 on libtorch.')
    .version(version)
    .exitOverride() // before the subcommands are added, which inherit it and the next settings
    .configureOutput({ writeErr: (text) => process.stderr.write(printableLines(text)) })
    .showHelpAfterError('(resnet COMMAND --help tells more)');
  addSummary(resnet);
  addParams(resnet);
  addClassify(resnet);
  addExplain(resnet);
  addFeatures(resnet);
  addConvert(resnet);
  addBench(resnet);
  addServe(resnet);
  addDoctor(resnet);
  return resnet;
}

async function main(): Promise<void> {
  try {
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed it already; help and version are not failures.
      process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE;
    } else if (error instanceof ResNetError) {
      process.stderr.write(`resnet: ${printableLines(error.message)}\n`);
      process.exitCode = USAGE_CODES.has(error.code) ? WRONG_USAGE : FAILED;
    } else {
      throw error;
    }
  }
}

// `resnet summary 152 | head` closes our output early, which is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

void main();
