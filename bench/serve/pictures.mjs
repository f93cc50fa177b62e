import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { drawScene } from '../../examples/scene.mjs';

/** Sixteen JPEGs of 500 x 375, as ImageNet's are on average; returns their paths. */
export async function makePictures(folder) {
  const files = Array.from({ length: 16 }, (_, seed) => join(folder, `scene-${seed}.jpg`));
  for (const [seed, file] of files.entries()) {
    if (existsSync(file)) continue;
    const drawn = await drawScene(join(folder, 'drawn.jpg'), seed);
    await sharp(await sharp(drawn).resize(500, 375).toBuffer())
      .jpeg({ quality: 92 })
      .toFile(file);
  }
  return files;
}
