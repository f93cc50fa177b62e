'use strict';
/**
 * Preloaded (NODE_OPTIONS=--require) into every Node of a run under a sanitizer: whoever loads the addon gets the one
 * that SANITIZED_ADDON names. Not a switch in lib/native/addon.ts: a package that loads what a variable names is one more thing
 * to abuse.
 */
const path = require('node:path');

const ordinary = path.join(__dirname, '..', '..', 'build', 'Release', 'resnet.node');
const instrumented = process.env.SANITIZED_ADDON;

const { dlopen } = process;
process.dlopen = (module, file, ...flags) => dlopen(module, file === ordinary ? instrumented : file, ...flags);
