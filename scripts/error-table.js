'use strict';
/** `npm run docs:errors`: writes the table of error codes into docs/errors.md, from lib/errors.ts as last built. */
const fs = require('node:fs');
const path = require('node:path');

const FILE = path.join(__dirname, '..', 'docs', 'errors.md');
const TABLE = /^\| Code .*\n\|[-| ]+\n(?:\| `ERR_.*\n)*/m;

/** The text of docs/errors.md with its table made anew, in Prettier's format. */
function withTable(text, codes) {
  if (!TABLE.test(text)) throw new Error('docs/errors.md has no table that begins with | Code');
  const rows = [['Code', 'Meaning'], ...Object.entries(codes).map(([code, meaning]) => [`\`${code}\``, meaning])];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  const [head, ...body] = rows.map((row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |\n`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |\n`;
  return text.replace(TABLE, () => head + rule + body.join(''));
}

if (require.main === module) {
  const { ERROR_CODES } = require('../dist/errors.js');
  fs.writeFileSync(FILE, withTable(fs.readFileSync(FILE, 'utf8'), ERROR_CODES));
}

module.exports = { withTable };
