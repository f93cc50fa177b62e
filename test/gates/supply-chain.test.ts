import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/node';

/** What SECURITY.md promises of an install: pinned versions, hashes, and no install script but our own. */
const read = (file: string): any => JSON.parse(readFileSync(join(root, file), 'utf8'));

/** Production dependencies that may run a script while they are installed: none. Only our own package does. */
const MAY_RUN_SCRIPTS: readonly string[] = [];

const REGISTRY = 'https://registry.npmjs.org/';

interface Entry {
  version?: string;
  integrity?: string;
  resolved?: string;
  dev?: boolean;
  link?: boolean;
  hasInstallScript?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** All that is wrong with a manifest and its lock file. */
function faults(manifest: any, lock: { packages: Record<string, Entry> }): string[] {
  const found: string[] = [];
  for (const kind of ['dependencies', 'devDependencies', 'overrides']) {
    for (const [name, version] of Object.entries<string>(manifest[kind] ?? {})) {
      if (!/^\d+\.\d+\.\d+$/.test(version)) found.push(`${name} is not pinned: ${version}`);
      const locked = lock.packages[`node_modules/${name}`]?.version;
      if (locked !== version) found.push(`${name} is ${version} in package.json, ${String(locked)} in the lock file`);
    }
  }
  for (const [place, entry] of Object.entries(lock.packages)) {
    if (place === '') continue;
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(entry.integrity ?? '')) found.push(`${place} has no integrity`);
    const elsewhere = !(entry.resolved ?? REGISTRY).startsWith(REGISTRY); // absent: npm's configured registry
    if (entry.link === true || elsewhere) found.push(`${place} is of no registry`);
    if (entry.dev === true || entry.hasInstallScript !== true) continue;
    if (!MAY_RUN_SCRIPTS.includes(place)) found.push(`${place} runs a script when it is installed`);
  }
  return found;
}

test.each(['', 'bench/'])('%spackage.json is pinned, its lock file whole', (folder) => {
  const [manifest, lock] = [read(`${folder}package.json`), read(`${folder}package-lock.json`)];
  const allowed = folder === '' ? [] : [expect.stringMatching(/onnxruntime-node|core-js/)]; // for measuring alone
  const scripts = faults(manifest, lock).filter((fault) => / runs a script /.test(fault));
  expect(faults(manifest, lock).filter((fault) => !scripts.includes(fault))).toEqual([]);
  for (const fault of scripts) expect(allowed).toContainEqual(fault);
});

test.each<[string, (manifest: any, lock: any) => void, RegExp]>([
  ['a range', (manifest) => (manifest.dependencies.fastify = '^5.0.0'), /fastify is not pinned/],
  ['a tag', (manifest) => (manifest.devDependencies.jest = 'latest'), /jest is not pinned/],
  ['another version', (manifest) => (manifest.dependencies.sharp = '9.9.9'), /sharp is 9\.9\.9 in package\.json/],
  ['no integrity', (_, lock) => delete lock.packages['node_modules/yauzl'].integrity, /yauzl has no integrity/],
  ['a weak one', (_, lock) => (lock.packages['node_modules/yauzl'].integrity = 'sha1-AA=='), /yauzl has no integrity/],
  ['a script', (_, lock) => (lock.packages['node_modules/sharp'].hasInstallScript = true), /sharp runs a script/],
  ...['git+ssh://x', 'file:x.tgz', 'https://evil.example/x.tgz', 'https://registry.npmjs.org.evil.example/x.tgz'].map(
    (from): [string, (manifest: any, lock: any) => void, RegExp] => [
      from,
      (_, lock) => (lock.packages['node_modules/sharp'].resolved = from),
      /sharp is of no registry/,
    ],
  ),
])('%s is found', (_, change, fault) => {
  const [manifest, lock] = [read('package.json'), read('package-lock.json')];
  change(manifest, lock);
  expect(faults(manifest, lock)).toEqual(expect.arrayContaining([expect.stringMatching(fault)]));
});

const WORKFLOWS = join(root, '.github', 'workflows');
const workflow = (name: string): string => readFileSync(join(WORKFLOWS, name), 'utf8');

test.each(readdirSync(WORKFLOWS))('%s runs the actions of known commits: a tag may be moved', (name) => {
  const uses = [...workflow(name).matchAll(/\buses: *(.*)$/gm)].map(([, what]) => what);
  expect(uses).not.toEqual([]);
  for (const what of uses) expect(what).toMatch(/^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test('the workflow asks for advisories of what users get, and a release has its SBOM', () => {
  expect(workflow('ci.yml')).toMatch(/^ +- run: npm audit --omit=dev --package-lock-only$/m);
  expect(workflow('release.yml')).toMatch(/^ +- run: npm run --silent sbom > sbom\.cdx\.json$/m);
});
