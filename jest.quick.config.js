const { existsSync } = require('node:fs');
const { join } = require('node:path');
const all = require('./jest.config.js');

/**
 * `npm run test:quick`: what one runs while working, in under two minutes on two cores. It runs every test file except
 * those listed here, so a new file is included; list a file that takes more than about ten seconds.
 */
const SLOW = [
  'test/deploy/', // the Dockerfile's steps
  'test/endurance/', // memory over thousands of forwards
  'test/examples.test.ts', // a process for each example
  'test/frameworks/', // PyTorch and PaddlePaddle
  'test/fuzz/',
  'test/gates/', // npm, jest and TypeDoc in processes of their own
  'test/install/', // whole installs
  'test/processes/', // processes that are ended, or run out of something
  'test/schemathesis/',
  'test/triton/',
  'test/cli/bench.test.ts',
  'test/cli/classify.test.ts', // a process for each line of arguments, as summary.test.ts
  'test/cli/summary.test.ts',
  'test/determinism.test.ts',
  'test/features.test.ts',
  'test/job/processes.test.ts',
  'test/native.test.ts', // builds the C++ program
  'test/optimized/accuracy.test.ts',
  'test/package/package.test.ts', // packs, installs and builds the package
  'test/package/types.test.ts', // and compiles against it, a dozen times
  'test/samples.test.ts', // a process for each sample of the documents
  'test/serve/explain.test.ts',
  'test/serve/mixed.test.ts',
  'test/serve/page.test.ts', // a browser
  'test/serve/server.test.ts',
  'test/start.test.ts',
  'test/weights/convert.test.ts',
  'test/weights/formats/damaged.test.ts',
  'test/weights/formats/pdparams.test.ts',
];

const gone = SLOW.filter((path) => !existsSync(join(__dirname, path)));
if (gone.length > 0) throw new Error(`jest.quick.config.js names paths that do not exist: ${gone.join(', ')}`);

/** @type {import('jest').Config} */
module.exports = { ...all, testPathIgnorePatterns: SLOW.map((path) => `<rootDir>/${path.replaceAll('.', '\\.')}`) };
