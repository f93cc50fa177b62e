'use strict';
/**
 * Refuses a Node older than package.json's engines, which npm itself only warns of. This file, failures.js and
 * install.js keep to syntax that such a Node can parse.
 */
const { Failure } = require('./failures');

function checkNode(version = process.versions.node, wanted = require('../package.json').engines.node) {
  const oldest = wanted.replace('>=', '').split('.').map(Number);
  const found = version.split('.').map(Number);
  const differs = oldest.findIndex((number, place) => found[place] !== number);
  if (differs >= 0 && !(found[differs] > oldest[differs])) {
    throw new Failure('node', { version, wanted, program: process.execPath });
  }
}

module.exports = { checkNode };
