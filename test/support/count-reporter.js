/** Prints the run's counts as its very last line, and fails a run in which nothing was executed. */
module.exports = class CountReporter {
  onRunComplete(_contexts, results) {
    const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } = results;
    this.empty = passed + failed === 0;
    const broken = results.numRuntimeErrorTestSuites;
    process.once('exit', () => console.log(`\n${passed} passed, ${failed + broken} failed, ${skipped} skipped`));
  }

  getLastError() {
    return this.empty ? new Error('no test was executed') : undefined;
  }
};
