// One build, as the main entry's esm.mts.
export * from './index.js';
