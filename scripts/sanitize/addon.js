'use strict';
/**
 * Preloaded (NODE_OPTIONS=--require) into every Node of a run under a sanitizer: whoever loads the addon gets the one
 * of build/asan. Not a switch in lib/addon.ts: a package that loads what a variable names is one more thing to abuse.
 */
const path = require('node:path');

const build = path.join(__dirname, '..', '..', 'build');
const ordinary = path.join(build, 'Release', 'resnet.node');
const instrumented = path.join(build, 'asan', 'Release', 'resnet.node');

const { dlopen } = process;
process.dlopen = (module, file, ...flags) => dlopen(module, file === ordinary ? instrumented : file, ...flags);
