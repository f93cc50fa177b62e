import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ResNet } from '../../lib/index';
import { download } from '../../lib/weights/published/download';
import { saveSafetensors } from '../../lib/weights/formats/save-safetensors';
import { breakAfter, fileServer, whole, type Behavior } from '../support/file-server';
import { temporaryFolder } from '../support/files';
import { run, runScript } from '../support/node';
import { pth } from '../support/torch-files';

const folder = temporaryFolder();
const bytes = randomBytes(3_000_000);
const sha256 = createHash('sha256').update(bytes).digest('hex');

/** In a mount namespace of its own, gone with its last process; of root, or where users may make their own. */
const namespace = [['-m'], ['-Urm']].find((flags) => {
  try {
    const mount = `mount -t tmpfs -o size=1m tmpfs ${folder}`;
    execFileSync('unshare', [...flags, 'sh', '-c', mount], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});
const onDisk = namespace === undefined ? describe.skip : describe; // the system gives nobody a disk of his own

/** Runs JavaScript with a disk of 1 MiB at `disk`, which `remount(options)` changes. */
async function withDisk(source: string): Promise<string> {
  const disk = join(folder, 'disk');
  mkdirSync(disk, { recursive: true });
  const script = `
    const { readdirSync, writeFileSync } = require('node:fs');
    const disk = ${JSON.stringify(disk)};
    const remount = (options) =>
      require('node:child_process').execFileSync('mount', ['-o', 'remount,' + options, disk]);
    const tell = ({ code, message }) => console.log(code, message);
    const list = () => console.log(JSON.stringify(readdirSync(disk, { recursive: true }).sort()));
    const main = async () => { ${source} };
    main();
  `;
  const mount = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$1" -e "$2"';
  const args = [...namespace!, 'sh', '-c', mount, disk, process.execPath, script];
  const { code, signal, stdout, stderr } = await run('unshare', args);
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  return stdout;
}

onDisk('a disk', () => {
  test('full: nothing half-written is left, and with room the next save works', async () => {
    const stdout = await withDisk(`
      const { ResNet } = require('./dist');
      const net = new ResNet(18, 10, { seed: 1 });
      const path = disk + '/net.safetensors';
      await net.save(path).catch(tell);
      list();
      remount('size=64m');
      await net.save(path);
      list();
      console.log((await ResNet.load(path)).numClasses);
    `);
    expect(stdout).toMatch(/^ERR_FILE Cannot write .*net\.safetensors: ENOSPC.*\n\[\]\n\["net\.safetensors"\]\n10\n$/);
  });

  test('full to the last byte: a calibration', async () => {
    const stdout = await withDisk(`
      const { ResNet, Tensor } = require('./dist');
      const { writeCalibration } = require('./dist/calibration');
      try { writeFileSync(disk + '/filler', Buffer.alloc(2 ** 21)); } catch {}
      const source = { layers: 18, numClasses: 10 };
      const ranges = [{ name: 'x', min: 0, max: 1 }];
      await writeCalibration(disk + '/ranges.json', source, ranges).catch(tell);
      list();
      require('node:fs').rmSync(disk + '/filler');
      await writeCalibration(disk + '/ranges.json', source, ranges);
      list();
    `);
    expect(stdout).toMatch(/^ERR_FILE Cannot write .*ranges\.json: ENOSPC.*\n\["filler"\]\n\["ranges\.json"\]\n$/);
  });

  test('full: a download, and with room the next one', async () => {
    await using server = await fileServer(bytes);
    const stdout = await withDisk(`
      const { download } = require('./dist/weights/published/download');
      const file = { url: new URL('${server.url}/net.pth'), name: 'net.pth', sha256: '${sha256}', maxBytes: 1e7 };
      await download(file, disk + '/weights').catch(tell);
      list();
      remount('size=8m');
      await download(file, disk + '/weights');
      list();
    `);
    expect(stdout).toMatch(
      /^ERR_FILE Cannot write .*net\.pth: ENOSPC.*LIBTORCH_RESNET_CACHE.*\n\["weights"\]\n\["weights","weights\/net\.pth"\]\n$/,
    );
  });

  test('read-only: what the cache has is taken, what it lacks is an error that says so', async () => {
    await using server = await fileServer(bytes);
    const stdout = await withDisk(`
      const { download } = require('./dist/weights/published/download');
      const { ResNet } = require('./dist');
      const file = { url: new URL('${server.url}/net.pth'), name: 'net.pth', sha256: '${sha256}', maxBytes: 1e7 };
      remount('size=8m');
      await download(file, disk);
      remount('ro');
      console.log(await download(file, disk) === disk + '/net.pth');
      await download({ ...file, name: 'other.pth' }, disk).catch(tell);
      await download(file, disk + '/new').catch(tell);
      await new ResNet(18, 10).save(disk + '/x.safetensors').catch(tell);
      list();
    `);
    expect(stdout).toMatch(
      /^true\nERR_FILE Cannot write .*other\.pth: EROFS.*\nERR_FILE .*(EROFS|ENOENT).*\nERR_FILE Cannot write .*x\.safetensors: EROFS.*\n\["net\.pth"\]\n$/,
    );
    expect(server.requests).toHaveLength(1);
  });
});

/** Another user than root, for whom permissions count, once everything is loaded. */
const unprivileged = `
  if (process.getuid() === 0) { process.setegid(65534); process.seteuid(65534); }
`;

test.each([
  ['555', 'a folder that may be read'],
  ['666', 'a folder that may not be entered'],
  ['000', 'a folder of others'],
])('permission denied, mode %s, %s: ERR_FILE, nothing left, and the next try works', async (mode) => {
  const place = join(folder, `mode-${mode}`);
  await using server = await fileServer(bytes);
  const ended = await runScript(`
    const fs = require('node:fs');
    const { ResNet, readWeights } = require('./dist');
    const { download } = require('./dist/weights/published/download');
    const place = ${JSON.stringify(place)};
    fs.mkdirSync(place);
    fs.chmodSync(${JSON.stringify(folder)}, 0o755);
    if (process.getuid() === 0) fs.chownSync(place, 65534, 65534);
    const net = new ResNet(18, 10, { seed: 1 });
    ${unprivileged}
    fs.chmodSync(place, 0o${mode});
    const tell = ({ code, message }) => console.log(code, /EACCES/.test(message));
    const file = { url: new URL('${server.url}/net.pth'), name: 'net.pth', sha256: '${sha256}', maxBytes: 1e7 };
    const main = async () => {
      await net.save(place + '/net.safetensors').catch(tell);
      await download(file, place).catch(tell);
      fs.chmodSync(place, 0o755);
      console.log(fs.readdirSync(place).length);
      const onProgress = ({ received }) => received > 1e6 && fs.chmodSync(place, 0o${mode}); // in the middle
      await download(file, place, { onProgress }).catch(tell);
      fs.chmodSync(place, 0o755);
      await net.save(place + '/net.safetensors');
      await download(file, place);
      fs.chmodSync(place + '/net.safetensors', 0);
      await ResNet.load(place + '/net.safetensors').catch(tell);
      await readWeights(place + '/net.safetensors').catch(tell);
      fs.chmodSync(place + '/net.safetensors', 0o600);
      console.log((await ResNet.load(place + '/net.safetensors')).numClasses);
    };
    main();
  `);
  const denied = 'ERR_FILE true\n';
  const stdout = `${denied.repeat(2)}0\n${denied.repeat(3)}10\n`;
  expect(ended).toEqual({ code: 0, signal: null, stdout, stderr: '' });
});

describe('a file that shrinks while it is read', () => {
  const state = new Map([...new ResNet(18, 1000, { seed: 1 }).stateDict()]);

  test.each(['safetensors', 'pth'])('%s: loaded whole, or ERR_WEIGHTS_FORMAT, at any moment', async (format) => {
    const path = join(folder, `shrinks.${format}`);
    if (format === 'pth') writeFileSync(path, pth(state));
    else await saveSafetensors(path, state, {});
    const content = readFileSync(path);
    const outcomes = new Set<unknown>();
    for (let delay = 0; delay < 40; delay += 2) {
      writeFileSync(path, content);
      const loading = ResNet.load(path).then(
        (net) => (net.dispose(), 'loaded'),
        (error: unknown) => (error as { code: unknown }).code,
      );
      await setTimeout(delay);
      truncateSync(path, Math.floor(content.length / 3));
      outcomes.add(await loading);
    }
    expect([...outcomes].filter((one) => one !== 'loaded')).toEqual(['ERR_WEIGHTS_FORMAT']);
  });
});

test('a download cut at any byte goes on from there, and ends as the file', async () => {
  const file = randomBytes(600);
  const prefix = createHash('sha256').update(file).digest('hex');
  await using server = await fileServer(file);
  // Each file of this server's breaks once, at the byte that its name tells.
  const seen = new Set<string>();
  const cutOnce: Behavior = (request, response, all) => {
    const url = request.url!;
    const cut = Number(url.slice(1));
    (seen.has(url) ? whole : breakAfter(cut))(request, response, all);
    seen.add(url);
  };
  server.next = new Array<Behavior>(5 * file.length).fill(cutOnce);
  const cache = join(folder, 'cut');
  const one = async (cut: number): Promise<void> => {
    const name = String(cut);
    const remote = { url: new URL(`${server.url}/${name}`), name, sha256: prefix, maxBytes: 1_000 };
    const place = await download(remote, cache, { backOff: 1, stallAfter: 5_000 });
    expect(readFileSync(place).equals(file)).toBe(true);
  };
  for (let start = 0; start < file.length; start += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => one(start + i)));
  }
  expect(readdirSync(cache)).toHaveLength(file.length); // each in its place, and no part of any
  expect(seen.size).toBe(file.length);
  expect(server.requests).toHaveLength(2 * file.length);
});

test('a cache half-written by a process that was killed is gone on with', async () => {
  await using server = await fileServer(bytes, [
    (_, response, all) => {
      response.writeHead(200, { 'content-length': all.length, etag: '"1"' });
      response.write(all.subarray(0, 1_000_000)); // and then nothing more
    },
  ]);
  const cache = join(folder, 'killed');
  const remote = { url: new URL(`${server.url}/net.pth`), name: 'net.pth', sha256, maxBytes: 1e7 };
  const killed = await runScript(`
    const { download } = require('./dist/weights/published/download');
    download({ ...${JSON.stringify(remote)}, url: new URL('${remote.url.href}') }, ${JSON.stringify(cache)}, {
      onProgress: ({ received }) => { if (received === 1_000_000) process.kill(process.pid, 'SIGKILL'); },
    });
  `);
  expect(killed.signal).toBe('SIGKILL');
  expect(readdirSync(cache)).toEqual([expect.stringMatching(/^net\.pth\..*\.part$/)]);
  expect(readFileSync(await download(remote, cache)).equals(bytes)).toBe(true);
  expect(readdirSync(cache)).toEqual(['net.pth']);
  expect(server.requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=1000000-']);
});
