/** Prints the run's counts as its last line, and fails a run that executed no test. */
module.exports = class CountReporter {
  onRunComplete(_contexts, results) {
    const { numPassedTests: passed, numPendingTests: pending, numTodoTests: todo } = results;
    // A file that does not load has no tests to count.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    this.empty = passed + failed === 0;
    process.once('exit', () => {
      if (this.empty) console.error('\nno test was executed');
      console.log(`\n${passed} passed, ${failed} failed, ${pending + todo} skipped`);
    });
  }

  getLastError() {
    return this.empty ? new Error('no test was executed') : undefined;
  }
};
