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

test("is CycloneDX 1.5 by that format's schema, and names us", async () => {
  expect(await new Validation.JsonStrictValidator(Spec.Version.v1dot5).validate(text)).toBeNull();
  const { name, version } = read('package.json');
  expect(bill.metadata.component).toMatchObject({ name, version, purl: `pkg:npm/${name}@${version}` });
});

test('has every package that users install, each with its hash, and none for development alone', () => {
  const wanted = Object.entries<any>(read('package-lock.json').packages)
    .filter(([place, { dev }]) => place !== '' && dev !== true)
    .map(([place, { version, integrity }]) => [`${place.split('node_modules/').at(-1)!}@${version}`, integrity]);
  const parts: any[] = bill.components.filter(({ purl }: any) => purl.startsWith('pkg:npm/'));
  const hashes = parts.map((part) => [part['bom-ref'], Buffer.from(part.hashes[0].content, 'hex').toString('base64')]);
  expect(Object.fromEntries(hashes.map(([ref, hash]) => [ref, `sha512-${hash}`]))).toEqual(Object.fromEntries(wanted));
  expect(text).not.toContain('"jest@');
});

test('has libtorch, every file by its SHA-256', () => {
  const { platforms } = read('scripts/libtorch.lock.json');
  const expected = Object.values<any>(platforms).flatMap((files) => files.map(({ sha256 }: any) => sha256));
  const parts: any[] = bill.components.filter(({ purl }: any) => purl.startsWith('pkg:pypi/'));
  expect(parts.map(({ hashes }) => hashes)).toEqual(expected.map((content) => [{ alg: 'SHA-256', content }]));
});

test('every component is needed by another, and everything needed is a component', () => {
  const refs = bill.components.map((part: any) => part['bom-ref']);
  const needed = new Set(bill.dependencies.flatMap(({ dependsOn }: any) => dependsOn));
  expect([...needed].sort()).toEqual(refs.sort());
});
