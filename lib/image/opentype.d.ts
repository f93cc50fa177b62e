/** What we use of opentype.js. Its own types (@types/opentype.js) would make all of the DOM's types visible in lib/. */
declare module 'opentype.js' {
  interface Glyph {
    advanceWidth?: number;
    getPath(x: number, y: number, size: number): { toPathData(decimals: number): string };
  }
  interface Font {
    unitsPerEm: number;
    charToGlyph(character: string): Glyph;
  }
  const opentype: { parse(file: ArrayBufferLike, options?: { lowMemory?: boolean }): Font };
  export { type Font, type Glyph, opentype as default };
}
