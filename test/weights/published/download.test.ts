import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { download, type DownloadProgress, type RemoteFile } from '../../../lib/weights/published/download';
import { get } from '../../../lib/weights/published/http';
import { temporaryFolder } from '../../support/files';
import {
  breakAfter,
  certificate,
  fileServer,
  ignoreRange,
  proxyServer,
  redirect,
  stallAfter,
  status,
  type Behavior,
  type FileServer,
} from '../../support/file-server';
import { run, runScript } from '../../support/node';

const bytes = randomBytes(1_000_000);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const quick = { stallAfter: 300, attempts: 3, backOff: 1 };
const root = temporaryFolder();
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);

let server: FileServer;
let folder: string;
beforeEach(async () => {
  for (const name of PROXIES) Reflect.deleteProperty(process.env, name);
  server = await fileServer(bytes);
  folder = mkdtempSync(join(root, 'weights-'));
});
afterEach(() => server[Symbol.asyncDispose]());

const remote = (url = `${server.url}/net.pth`): RemoteFile => ({
  url: new URL(url),
  name: 'net.pth',
  sha256,
  maxBytes: bytes.length + 100,
});
const fetchIt = (options = {}, file = remote()): Promise<string> => download(file, folder, { ...quick, ...options });
const files = (): string[] => readdirSync(folder);
const part = (owner: string): string => join(folder, `net.pth.${owner}.0a1b2c3d.part`);
const sent = (): number[] => server.requests.map((request) => request.sent);

function expectFetched(path: string): void {
  expect(path).toBe(join(folder, 'net.pth'));
  expect(readFileSync(path).equals(bytes)).toBe(true);
  expect(files()).toEqual(['net.pth']);
}

/** Expects ERR_DOWNLOAD, and no file. */
async function expectFailure(message: RegExp, options = {}, file = remote()): Promise<void> {
  await expect(fetchIt(options, file)).rejects.toMatchObject({
    name: 'ResNetError',
    code: 'ERR_DOWNLOAD',
    message: expect.stringMatching(message),
  });
  expect(files()).not.toContain('net.pth');
}

test('downloads once, into a folder that it creates', async () => {
  folder = join(folder, 'made', 'for', 'it');
  expectFetched(await fetchIt());
  expectFetched(await fetchIt());
  expect(sent()).toEqual([bytes.length]);
  expect(server.requests[0]).toMatchObject({ url: '/net.pth', headers: { 'accept-encoding': 'identity' } });
});

test('reports its progress', async () => {
  const seen: DownloadProgress[] = [];
  await fetchIt({ onProgress: (progress: DownloadProgress) => seen.push(progress) });
  expect(seen[0]).toEqual({ received: 0, total: bytes.length });
  expect(seen.at(-1)).toEqual({ received: bytes.length, total: bytes.length });
  const received = seen.map((progress) => progress.received);
  expect(received).toEqual([...received].sort((a, b) => a - b));
  expect(received.length).toBeGreaterThan(3);
});

test('an error of onProgress ends the download, and is passed on unchanged', async () => {
  const thrown = new Error('mine');
  const onProgress = (): never => {
    throw thrown;
  };
  await expect(fetchIt({ onProgress })).rejects.toBe(thrown);
  expect(server.requests).toHaveLength(1);
  expect(files()).toEqual([]);
});

describe('after an interruption', () => {
  test('only the rest is downloaded', async () => {
    server.next = [breakAfter(300_000), breakAfter(200_000)];
    const seen: number[] = [];
    expectFetched(await fetchIt({ onProgress: ({ received }: DownloadProgress) => seen.push(received) }));
    expect(sent()).toEqual([300_000, 200_000, 500_000]);
    expect(server.requests.map(({ headers }) => [headers.range, headers['if-range']])).toEqual([
      [undefined, undefined],
      ['bytes=300000-', '"1"'],
      ['bytes=500000-', '"1"'],
    ]);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  test('a server without range requests sends everything again', async () => {
    server.next = [breakAfter(300_000), ignoreRange];
    expectFetched(await fetchIt());
    expect(sent()).toEqual([300_000, bytes.length]);
  });

  test('a file that has changed meanwhile is downloaded from the start', async () => {
    server.next = [breakAfter(300_000, '"0"')];
    server.file = Buffer.concat([randomBytes(300_000), bytes.subarray(300_000)]);
    const work = fetchIt({ onProgress: () => (server.file = bytes) });
    expectFetched(await work);
    expect(sent()).toEqual([300_000, bytes.length]);
  });

  test('a file that has changed unnoticed is downloaded again in one response', async () => {
    server.next = [breakAfter(300_000)];
    server.file = Buffer.concat([randomBytes(300_000), bytes.subarray(300_000)]);
    expectFetched(await fetchIt({ onProgress: () => (server.file = bytes) }));
    expect(sent()).toEqual([300_000, 700_000, bytes.length]);
  });

  test.each<[string, Behavior]>([
    ['416', status(416)],
    ['another range', status(206, { 'content-range': 'bytes 5-9/1000000' })],
    ['no range', status(206)],
  ])('%s: from the start', async (_, behavior) => {
    server.next = [breakAfter(300_000), behavior];
    expectFetched(await fetchIt());
    expect(server.requests[2]?.headers.range).toBeUndefined();
  });

  test('the date is sent back instead of a weak ETag', async () => {
    server.next = [
      (_, response, file) => {
        const headers = {
          etag: 'W/"1"',
          'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT',
          'content-length': file.length,
        };
        response.writeHead(200, headers).write(file.subarray(0, 10));
        void setTimeout(50).then(() => response.destroy());
      },
      ignoreRange,
    ];
    expectFetched(await fetchIt());
    expect(server.requests[1]?.headers['if-range']).toBe('Mon, 01 Jan 2024 00:00:00 GMT');
  });

  test('a later call resumes what an earlier one has left', async () => {
    server.next = [breakAfter(300_000), status(404), status(404)];
    await expectFailure(/404 Not Found/);
    expect(files()).toEqual(['net.pth.part']);
    expectFetched(await fetchIt());
    expect(sent().at(-1)).toBe(700_000);
  });

  test('the part of a killed process is resumed, that of a running one is left alone', async () => {
    const dead = (await run(process.execPath, ['-p', 'process.pid'])).stdout.trim();
    const living = [part(`${process.ppid}@${hostname()}`), part(`${dead}@another-host`)];
    for (const path of living) writeFileSync(path, 'x');
    writeFileSync(part(`${dead}@${hostname()}`), bytes.subarray(0, 600_000));
    const path = await fetchIt();
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(sent()).toEqual([400_000]);
    expect(
      files()
        .map((name) => join(folder, name))
        .sort(),
    ).toEqual([path, ...living].sort());
  });

  test('a part that was not written to for a day is resumed, and others like it are removed', async () => {
    for (const host of ['one', 'other']) {
      writeFileSync(part(`${process.pid}@${host}`), bytes.subarray(0, 600_000));
      utimesSync(part(`${process.pid}@${host}`), 0, 0);
    }
    expectFetched(await fetchIt());
    expect(sent()).toEqual([400_000]);
  });
});

test.each([500, 503, 429, 408])('%i passes', async (code) => {
  server.next = [status(code), status(code)];
  expectFetched(await fetchIt());
  expect(server.requests).toHaveLength(3);
});

test.each([
  [500, 3, /500 Internal Server Error/],
  [404, 1, /404 Not Found/],
  [403, 1, /403 Forbidden/],
  [204, 1, /204 No Content/],
  [299, 1, /answered 299\. /],
])('%i for good: after %i requests', async (code, times, message) => {
  server.next = [code, code, code, code].map((code) => status(code));
  await expectFailure(message);
  expect(server.requests).toHaveLength(times);
  expect(files()).toEqual([]);
});

test('the time between attempts grows', async () => {
  const times: number[] = [];
  const failing: Behavior = (_, response) => (times.push(Date.now()), response.writeHead(500).end());
  server.next = [failing, failing, failing];
  await fetchIt({ backOff: 60, attempts: 4 });
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(59);
  expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(119);
});

test('connections that break before a response are retried', async () => {
  server.next = [(request) => request.socket.destroy()];
  expectFetched(await fetchIt());
  server.next = Array.from({ length: 3 }, () => (request) => request.socket.destroy());
  folder = join(folder, 'other');
  await expectFailure(/socket hang up/);
});

test('a server that stalls is given up, and its bytes are kept', async () => {
  server.next = [stallAfter(400_000)];
  expectFetched(await fetchIt());
  expect(sent()).toEqual([400_000, 600_000]);
});

test('a server that never responds', async () => {
  server.next = [() => {}, () => {}, () => {}];
  const start = Date.now();
  await expectFailure(/nothing came for 0\.1 s/, { stallAfter: 100 });
  expect(Date.now() - start).toBeLessThan(3000);
});

test('a slow server that keeps sending is not given up', async () => {
  server.next = [
    (_, response, file) => {
      response.writeHead(200);
      for (let i = 0; i < 10; i++) {
        void setTimeout(50 * i).then(() => response.write(file.subarray(i * 100_000, (i + 1) * 100_000)));
      }
      void setTimeout(500).then(() => response.end());
    },
  ];
  expectFetched(await fetchIt({ stallAfter: 200 }));
  expect(server.requests).toHaveLength(1);
});

test('a slow disk does not count as a stall', async () => {
  const options = { headers: {}, stallAfter: 100 };
  const received = await get(new URL(server.url), options, async ({ body }) => {
    let [sum, chunks] = [0, 0];
    for await (const { length } of body) {
      sum += length;
      if (++chunks <= 2) await setTimeout(200);
    }
    return sum;
  });
  expect(received).toBe(bytes.length);
});

test('no connection is left open', async () => {
  server.next = [(_, response) => void response.writeHead(404).write('and so on'), redirect('/other'), status(404)];
  await expectFailure(/404/);
  await expectFailure(/404/);
  for (let i = 0; i < 100 && server.open() > 0; i++) await setTimeout(5);
  expect(server.open()).toBe(0);
});

describe('a file other than the published one', () => {
  test('other content is deleted, and the message has both hashes', async () => {
    server.file = randomBytes(bytes.length);
    const actual = createHash('sha256').update(server.file).digest('hex');
    await expectFailure(new RegExp(`must be ${sha256}, but is ${actual} \\(1000000 bytes\\)`));
    expect(files()).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  test('other content whose hash starts like the published one', async () => {
    const other = sha256.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    await expect(fetchIt({}, { ...remote(), sha256: other })).rejects.toMatchObject({ code: 'ERR_DOWNLOAD' });
    expect(files()).toEqual([]);
  });

  test('if only eight digits of the hash are known, they are compared', async () => {
    const other = sha256.slice(0, 8).replace(/.$/, (digit) => (digit === '0' ? '1' : '0'));
    const wrong = fetchIt({}, { ...remote(), sha256: other });
    await expect(wrong).rejects.toMatchObject({ message: expect.stringContaining(`must begin with ${other}, but is`) });
    expectFetched(await fetchIt({}, { ...remote(), sha256: sha256.slice(0, 8) }));
  });

  test('a sign-in page instead', async () => {
    server.next = [status(200)];
    await expectFailure(/\(7 bytes\)/);
    expect(files()).toEqual([]);
  });

  test.each<[string, Behavior]>([
    ['by what it claims', (_, response) => void response.writeHead(200, { 'content-length': 2 ** 40 }).write('x')],
    ['by what it sends', (_, response, file) => void response.writeHead(200).write(Buffer.concat([file, file]))],
  ])('too large, %s', async (_, behavior) => {
    server.next = [behavior];
    await expectFailure(/at most 1000100 bytes/);
    expect(files()).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  test('a length that is too small', async () => {
    server.next = [
      (_, response, file) => void response.writeHead(200, { 'content-length': 1000 }).end(file.subarray(0, 1000)),
    ];
    await expectFailure(/\(1000 bytes\)/);
  });

  test('a length that is too large: fewer bytes arrive, at every attempt', async () => {
    const lie: Behavior = ({ headers }, response, file) => {
      const start = Number(/\d+/.exec(headers.range ?? '0')?.[0]);
      response.writeHead(start > 0 ? 206 : 200, {
        'content-length': file.length + 50 - start,
        'content-range': `bytes ${start}-${file.length + 49}/${file.length + 50}`,
      });
      response.write(file.subarray(start), () => response.destroy());
    };
    server.next = [lie, lie, lie];
    await expectFailure(/the connection broke off/);
    expect(server.requests).toHaveLength(3);
  });

  test('a range that ends too early', async () => {
    server.next = [
      breakAfter(300_000),
      ({ headers }, response, file) => {
        const start = Number(/\d+/.exec(headers.range!)![0]);
        response.writeHead(206, { 'content-range': `bytes ${start}-${start + 9}/${file.length}` });
        response.end(file.subarray(start, start + 10));
      },
    ];
    expectFetched(await fetchIt());
    expect(server.requests[2]?.headers.range).toBe('bytes=300010-');
  });
});

describe('redirects', () => {
  test('are followed with the same range', async () => {
    server.next = [redirect('/elsewhere/net'), breakAfter(100_000), redirect(`${server.url}/third`)];
    expectFetched(await fetchIt());
    expect(server.requests.map(({ url, headers }) => [url, headers.range])).toEqual([
      ['/net.pth', undefined],
      ['/elsewhere/net', undefined],
      ['/net.pth', 'bytes=100000-'],
      ['/third', 'bytes=100000-'],
    ]);
  });

  test('in a circle', async () => {
    server.next = Array.from({ length: 20 }, () => redirect('/net.pth'));
    await expectFailure(/redirected more than 5 times/);
    expect(server.requests).toHaveLength(6);
  });

  test.each(['ftp://127.0.0.1/x', 'file:///etc/passwd', 'http://['])('to %s', async (location) => {
    server.next = [redirect(location)];
    await expectFailure(/neither http nor https/);
  });

  test('from https to http are refused, and so are self-signed certificates', async () => {
    await using secure = await fileServer(bytes, [redirect(`${server.url}/net.pth`)], true);
    const { stdout } = await fetchElsewhere(secure.url, { NODE_EXTRA_CA_CERTS: certificate });
    expect(stdout).toMatch(/^ERR_DOWNLOAD .*redirected to http:\S+, which is not encrypted/);
    const unknown = await fetchElsewhere(secure.url);
    expect(unknown.stdout).toMatch(/^ERR_DOWNLOAD .*self-signed certificate/);
    expect(server.requests).toEqual([]);
  });
});

/** In another process, because trusted certificates are read at startup. */
function fetchElsewhere(url: string, env: NodeJS.ProcessEnv = {}): ReturnType<typeof runScript> {
  const file = `{ url: new URL('${url}/net.pth'), name: 'net.pth', sha256: '${sha256}', maxBytes: 1e7 }`;
  return runScript(
    `require('./dist/weights/published/download').download(${file}, '${folder}', ${JSON.stringify({ ...quick, stallAfter: 5000 })})
       .then(console.log, ({ code, message }) => console.log(code, message));`,
    { ...Object.fromEntries(PROXIES.map((name) => [name, undefined])), ...env },
  );
}

describe('proxies', () => {
  test('https through a tunnel, with user and password', async () => {
    await using secure = await fileServer(bytes, [], true);
    await using proxy = await proxyServer();
    const { stdout, stderr } = await fetchElsewhere(secure.url, {
      NODE_EXTRA_CA_CERTS: certificate,
      HTTPS_PROXY: proxy.url.replace('//', '//me:p%40ss@'),
    });
    expect([stdout.trim(), stderr]).toEqual([join(folder, 'net.pth'), '']);
    expectFetched(stdout.trim());
    expect(proxy.asked).toEqual([`CONNECT ${new URL(secure.url).host} me:p@ss`]);
    expect(secure.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  test('http', async () => {
    await using proxy = await proxyServer();
    process.env.http_proxy = proxy.url.replace('//', '//me:secret@');
    expectFetched(await fetchIt());
    expect(proxy.asked).toEqual([`GET ${server.url}/net.pth me:secret`]);
  });

  test('NO_PROXY', async () => {
    process.env.HTTP_PROXY = 'http://127.0.0.1:1';
    await expectFailure(/ECONNREFUSED 127\.0\.0\.1:1\b/);
    process.env.NO_PROXY = 'example.com,127.0.0.1';
    expectFetched(await fetchIt());
  });

  test('a proxy that refuses', async () => {
    await using proxy = await proxyServer(407);
    process.env.HTTPS_PROXY = proxy.url.replace('//', '//me:secret@');
    await expectFailure(/the proxy 127\.0\.0\.1:\d+ answered 407/, {}, remote('https://localhost:1/net.pth'));
    await expect(fetchIt({}, remote('https://localhost:1/net.pth'))).rejects.not.toThrow(/secret/);
  });

  test.each(['socks5://127.0.0.1:1', 'http://['])('%s is not supported', async (proxy) => {
    process.env.HTTP_PROXY = proxy;
    await expectFailure(/the proxy that the environment names is neither http nor https/);
  });

  test('a proxy that never responds is given up, and its connection closed', async () => {
    await using proxy = await proxyServer(0);
    process.env.HTTPS_PROXY = proxy.url;
    const options = { attempts: 1, stallAfter: 100 };
    await expectFailure(/nothing came for 0\.1 s/, options, remote('https://localhost:1/net.pth'));
    expect(proxy.asked).toEqual(['CONNECT localhost:1']);
    for (let i = 0; i < 100 && proxy.open() > 0; i++) await setTimeout(5);
    expect(proxy.open()).toBe(0);
  });
});

test('offline: the message names the URL, where to put the file, and other ways to get it, but no password', async () => {
  const url = 'http://me:secret@127.0.0.1:1/net.pth';
  const start = Date.now();
  const place = join(folder, 'net.pth');
  await expectFailure(
    new RegExp(
      `^Cannot fetch http://127\\.0\\.0\\.1:1/net\\.pth: connect ECONNREFUSED 127\\.0\\.0\\.1:1\\. .*${place} by hand; ` +
        'LIBTORCH_RESNET_WEIGHTS_URL .*HTTPS_PROXY',
    ),
    { backOff: 5000 },
    remote(url),
  );
  expect(Date.now() - start).toBeLessThan(3000); // at once
  expect(files()).toEqual([]);
});

test("a mirror's user and password are sent to it", async () => {
  expectFetched(await fetchIt({}, remote(`${server.url.replace('//', '//me:secret@')}/net.pth`)));
  expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
});

describe('an AbortSignal', () => {
  const reason = new Error('enough');

  test('before', async () => {
    await expect(fetchIt({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toEqual([]);
    expect(files()).toEqual([]);
  });

  test.each<[string, Behavior[]]>([
    ['while nothing comes', [() => {}]],
    ['in the middle', [stallAfter(400_000)]],
    ['between two attempts', [status(500)]],
  ])('%s', async (_, next) => {
    server.next = next;
    const controller = new AbortController();
    const work = fetchIt({ signal: controller.signal, stallAfter: 10_000, backOff: 10_000 });
    void setTimeout(150).then(() => controller.abort(reason));
    await expect(work).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  test('a later download resumes', async () => {
    const controller = new AbortController();
    const onProgress = ({ received }: DownloadProgress): void => {
      if (received > 300_000) controller.abort(reason);
    };
    await expect(fetchIt({ signal: controller.signal, onProgress })).rejects.toBe(reason);
    const kept = statSync(join(folder, 'net.pth.part')).size;
    expect(kept).toBeGreaterThan(300_000);
    expectFetched(await fetchIt());
    expect(sent().at(-1)).toBe(bytes.length - kept);
  });
});

test('concurrent downloads, in one process and in several', async () => {
  const paths = await Promise.all([fetchIt(), fetchIt(), fetchElsewhere(server.url), fetchElsewhere(server.url)]);
  expect(paths[2].stdout.trim()).toBe(paths[0]);
  expect(paths[3].stdout.trim()).toBe(paths[0]);
  expectFetched(paths[0]);
});

describe('the disk', () => {
  test('a file in place of the folder', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    folder = join(file, 'weights');
    await expect(fetchIt()).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: expect.stringMatching(/^Cannot write .*net\.pth: ENOTDIR.*LIBTORCH_RESNET_CACHE/),
    });
    expect(server.requests).toEqual([]);
  });

  test('a folder in place of the file', async () => {
    mkdirSync(join(folder, 'net.pth'));
    await expect(fetchIt()).rejects.toMatchObject({ code: 'ERR_FILE' });
    expect(files()).toEqual(['net.pth']);
  });

  const full = existsSync('/bin/bash') && process.platform === 'linux';
  (full ? test : test.skip)('a full disk: a plain message, and the space is freed', async () => {
    const script = `process.on('SIGXFSZ', () => {});
      require('./dist/weights/published/download').download({ url: new URL('${server.url}/net.pth'), name: 'net.pth',
        sha256: '${sha256}', maxBytes: 1e7 }, '${folder}').catch(({ code, message }) => console.log(code, message));`;
    // A limit on file sizes simulates a full disk.
    const { stdout } = await run('bash', ['-c', 'ulimit -f 200; exec "$0" -e "$1"', process.execPath, script], {
      env: Object.fromEntries(PROXIES.map((name) => [name, undefined])),
    });
    expect(stdout).toMatch(/^ERR_FILE Cannot write .*net\.pth: EFBIG/);
    expect(files()).toEqual([]);
  });
});
