import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { root, run } from '../support/node';

/** The SBOM of a release, by CycloneDX's own schema, and against the two lock files. */
const read = (file: string): any => JSON.parse(readFileSync(join(root, file), 'utf8'));
let text: string;
let bill: any;

beforeAll(async () => {
  const ended = await run('npm', ['run', '--silent', 'sbom']);
  if (ended.code !== 0) throw new Error(ended.stderr);
  text = ended.stdout;
  bill = JSON.parse(text);
});

const faults = (json: string): Promise<unknown> =>
  new Validation.JsonStrictValidator(Spec.Version.v1dot5).validate(json);

test("is CycloneDX 1.5 by that format's schema, in which a mistake is found", async () => {
  expect(await faults(text)).toBeNull();
  expect(await faults(text.replace('"SHA-512"', '"SHA-5"'))).not.toBeNull();
  expect(await faults(text.replace('"purl"', '"pural"'))).not.toBeNull();
});

test('names us, by our version', () => {
  const { name, version } = read('package.json');
  expect(bill.metadata.component).toMatchObject({ name, version, purl: `pkg:npm/${name}@${version}` });
});

test('has every package that users get, each with its hash, and none for development alone', () => {
  const { packages } = read('package-lock.json');
  const of = (dev: boolean): Map<string, string> =>
    new Map(
      Object.entries<any>(packages)
        .filter(([place, entry]) => place !== '' && (entry.dev === true) === dev)
        .map(([place, { version, integrity }]) => [`${place.split('node_modules/').at(-1)!}@${version}`, integrity]),
    );
  const [wanted, others] = [of(false), of(true)];
  const parts: any[] = bill.components.filter(({ purl }: any) => purl.startsWith('pkg:npm/'));
  const hashes = parts.map((part) => [part['bom-ref'], Buffer.from(part.hashes[0].content, 'hex').toString('base64')]);
  expect(Object.fromEntries(hashes.map(([ref, hash]) => [ref, `sha512-${hash}`]))).toEqual(Object.fromEntries(wanted));
  expect(wanted.has('picocolors@1.1.1')).toBe(true); // development needs it too
  for (const ref of others.keys()) if (!wanted.has(ref)) expect(text).not.toContain(`"${ref}"`);
});

test('has libtorch, every file by its SHA-256', () => {
  const { platforms } = read('scripts/libtorch.lock.json');
  const expected = Object.values<any>(platforms).flatMap((files) => files.map(({ sha256 }: any) => sha256));
  const parts: any[] = bill.components.filter(({ purl }: any) => purl.startsWith('pkg:pypi/'));
  expect(parts.map(({ hashes }) => hashes)).toEqual(expected.map((content) => [{ alg: 'SHA-256', content }]));
  expect(parts.filter(({ name }) => name === 'torch')).toHaveLength(3);
});

test('says who needs what: all that is named is there, and all that is there is named', () => {
  const refs = new Set(bill.components.map((part: any) => part['bom-ref']));
  expect(refs.size).toBe(bill.components.length);
  const needed = new Set(bill.dependencies.flatMap(({ dependsOn }: any) => dependsOn));
  expect([...needed].filter((ref) => !refs.has(ref))).toEqual([]);
  expect([...refs].filter((ref) => !needed.has(ref))).toEqual([]);
  const { dependencies } = read('package.json');
  const own: string[] = bill.dependencies.find(({ ref }: any) => ref === bill.metadata.component['bom-ref']).dependsOn;
  expect(own.filter((ref) => !ref.startsWith('libtorch/')).sort()).toEqual(
    Object.entries(dependencies)
      .map(([name, version]) => `${name}@${version as string}`)
      .sort(),
  );
});
