'use strict';
/**
 * `npm run --silent sbom > sbom.cdx.json`: the software bill of materials of a release, in CycloneDX. npm lists its own
 * packages; libtorch, which our install script downloads, is added with its pinned hashes.
 */
const { execFileSync } = require('node:child_process');
const path = require('node:path');

const root = path.join(__dirname, '..');
const manifest = require('../package.json');

/** @returns {object} npm's bill of the whole lock file, development dependencies included */
function fromNpm() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  return JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 27 }));
}

/** `name@version` of each package that users install. npm's --omit=dev also drops those that development shares. */
function production(lock) {
  return new Set(
    Object.entries(lock.packages)
      .filter(([place, { dev }]) => place !== '' && dev !== true)
      .map(([place, { name, version }]) => `${name ?? place.split('node_modules/').at(-1)}@${version}`),
  );
}

/** libtorch's wheels with their hashes, of both variants, since the install script chooses. */
function ofLibtorch({ platforms }) {
  return Object.entries(platforms).flatMap(([platform, files]) =>
    files.map(({ name, version, file, sha256, variants }) => ({
      'bom-ref': `libtorch/${platform}/${name}@${version}`,
      type: 'library',
      name,
      version,
      // The CUDA variant is optional.
      scope: variants.includes('cpu') ? 'required' : 'optional',
      hashes: [{ alg: 'SHA-256', content: sha256 }],
      purl: `pkg:pypi/${name}@${version}?file_name=${encodeURIComponent(file)}`,
      properties: [
        { name: 'libtorch-resnet:platform', value: platform },
        { name: 'libtorch-resnet:variants', value: variants.join(' ') },
      ],
    })),
  );
}

/** The complete bill. */
function sbom(npm, lock, libtorchLock) {
  const wanted = production(lock);
  const self = `${manifest.name}@${manifest.version}`;
  const direct = Object.entries(manifest.dependencies).map(([name, version]) => `${name}@${version}`);
  const libtorch = ofLibtorch(libtorchLock);
  const refs = libtorch.map((component) => component['bom-ref']);
  return {
    ...npm,
    metadata: { ...npm.metadata, component: { ...npm.metadata.component, name: manifest.name } },
    components: [...npm.components.filter((component) => wanted.has(component['bom-ref'])), ...libtorch],
    dependencies: [
      ...npm.dependencies
        .filter(({ ref }) => ref === self || wanted.has(ref))
        .map(({ ref, dependsOn }) => ({
          ref,
          dependsOn: ref === self ? [...direct, ...refs] : dependsOn.filter((other) => wanted.has(other)),
        })),
      ...refs.map((ref) => ({ ref, dependsOn: [] })),
    ],
  };
}

if (require.main === module) {
  const bill = sbom(fromNpm(), require('../package-lock.json'), require('./libtorch.lock.json'));
  process.stdout.write(`${JSON.stringify(bill, null, 2)}\n`);
}

module.exports = { sbom };
