/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }] },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  reporters: ['default', '<rootDir>/test/support/count-reporter.js'],
  testTimeout: 60_000,
  // A network of 60 million parameters per file and two cores: more workers would only queue.
  maxWorkers: 2,
  // A worker ends with the one or two gigabytes of a dozen files' networks, and gives them back longer than the half
  // second that jest waits before it speaks of a leak. One that a handle holds is still there after this.
  workerGracefulExitTimeout: 10_000,
};
