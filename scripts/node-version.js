'use strict';
/**
 * Refuses versions of Node older than package.json's engines; npm only warns. This file, failures.js and install.js use
 * only syntax that old versions can parse.
 */
const { Failure } = require('./failures');

function checkNode(version = process.versions.node, required = require('../package.json').engines.node) {
  const oldest = required.replace('>=', '').split('.').map(Number);
  const found = version.split('.').map(Number);
  const differs = oldest.findIndex((number, place) => found[place] !== number);
  if (differs >= 0 && !(found[differs] > oldest[differs])) {
    throw new Failure('node', { version, required, program: process.execPath });
  }
}

module.exports = { checkNode };
