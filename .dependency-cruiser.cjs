/** How test/architecture.test.ts reads the imports of lib/; which of them are allowed stands in ARCHITECTURE.md. */
module.exports = {
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true, // a type import is an arrow too
    doNotFollow: { path: 'node_modules' },
    includeOnly: '^lib/',
  },
};
