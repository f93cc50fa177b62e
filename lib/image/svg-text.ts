import { readFile } from 'node:fs/promises';
import type { Font, Glyph } from 'opentype.js';

/**
 * Draws lines of text as SVG outlines, in a font that an npm package brings (DejaVu Sans): no font of the system is
 * used, so the result is the same on every machine. Characters map to glyphs one to one, left to right; one that the
 * font lacks becomes an empty box.
 */
export class SvgText {
  private constructor(private readonly font: Font) {}

  /** Loads opentype.js and the font at the first call, and keeps both. */
  static load(): Promise<SvgText> {
    return (loaded ??= loadFont().then((font) => new SvgText(font)));
  }

  /** The width of `text` in pixels. */
  width(text: string, size: number): number {
    return this.#glyphs(text).reduce((sum, glyph) => sum + this.#advance(glyph, size), 0);
  }

  /**
   * One line of text as an SVG path.
   *
   * @param x - its left edge
   * @param y - its baseline
   * @param size - the font size in pixels
   * @param maxWidth - a longer text is cut and ends in an ellipsis
   */
  line(text: string, x: number, y: number, size: number, color: string, maxWidth = Infinity): string {
    const glyphs = this.#truncate(this.#glyphs(text), size, maxWidth);
    let left = x;
    const outlines = glyphs.map((glyph) => {
      const outline = glyph.getPath(left, y, size).toPathData(2);
      left += this.#advance(glyph, size);
      return outline;
    });
    return `<path fill="${color}" d="${outlines.join('')}"/>`;
  }

  #glyphs(text: string): Glyph[] {
    // Characters that draw nothing, or half of one, would become boxes.
    const printable = text.normalize('NFC').replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ');
    return Array.from(printable, (character) => this.font.charToGlyph(character));
  }

  #truncate(glyphs: readonly Glyph[], size: number, maxWidth: number): readonly Glyph[] {
    const ellipsis = this.font.charToGlyph('…');
    let width = 0;
    let fitting = 0; // glyphs that leave room for the ellipsis
    for (const [i, glyph] of glyphs.entries()) {
      if (width + this.#advance(ellipsis, size) <= maxWidth) fitting = i;
      width += this.#advance(glyph, size);
      if (width > maxWidth) return [...glyphs.slice(0, fitting), ellipsis];
    }
    return glyphs;
  }

  #advance({ advanceWidth = 0 }: Glyph, size: number): number {
    return (advanceWidth * size) / this.font.unitsPerEm;
  }
}

let loaded: Promise<SvgText> | undefined;

async function loadFont(): Promise<Font> {
  const { default: opentype } = await import('opentype.js'); // CommonJS, whose names Node does not find
  const { buffer, byteOffset, byteLength } = await readFile(
    require.resolve('@fontsource/dejavu-sans/files/dejavu-sans-latin-400-normal.woff'), // all scripts that the font has
  );
  return opentype.parse(buffer.slice(byteOffset, byteOffset + byteLength), { lowMemory: true }); // glyphs are read when used
}
