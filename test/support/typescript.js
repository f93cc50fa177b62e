'use strict';
/** `node -r ./test/support/typescript.js FILE.ts`: lib/ and test/ outside of jest, compiled as jest compiles them. */
const { transformFileSync } = require('@swc/core');

function compile(module, filename) {
  const { code } = transformFileSync(filename, {
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  });
  module._compile(code, filename);
}

// Before the others: './published' is published.ts, and not published.json beside it.
const others = { ...require.extensions };
for (const extension of Object.keys(others)) delete require.extensions[extension];
Object.assign(require.extensions, { '.ts': compile, ...others });
