import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './node';

/** A TypeScript sample of a document, and where it stands. */
export interface Sample {
  /** The document and the sample's number in it, e.g. `docs/weights.md 2`. */
  name: string;
  code: string;
}

/** Every TypeScript sample in README.md and docs/. Each must be complete, so that readers can copy it. */
export function samples(): Sample[] {
  const pages = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', ...pages.sort().map((file) => `docs/${file}`)].flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    return [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code], i) => ({
      name: `${page} ${i + 1}`,
      code: code!,
    }));
  });
}
