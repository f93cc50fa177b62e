/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: { '\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } } }] },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  reporters: ['default', '<rootDir>/test/support/count-reporter.js'],
  testTimeout: 60_000,
  // Each file holds networks of up to 60 million parameters; more workers than cores would only wait.
  maxWorkers: 2,
  // A worker that frees one or two gigabytes takes longer than the half second that Jest waits before it reports a leak.
  workerGracefulExitTimeout: 10_000,
};
