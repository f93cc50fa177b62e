// One build: ESM consumers get the CommonJS classes, so that a Tensor is a Tensor however it was imported.
export * from './index.js';
