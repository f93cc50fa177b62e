import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { ImageClassifier } from '../../lib/index';
import { temporaryFolder } from '../support/files';
import { root, type Ended } from '../support/node';
import { describeWithRedis, RedisServer } from '../support/redis';

const main = join(root, 'dist', 'cli', 'main.js');
const all = temporaryFolder();
/** A small network on small pictures; a process that is gone is found out soon. */
const network = ['--weights', 'random:1', '--layers', '18', '--classes', '5', '--resize', '32', '--crop', '32'];
const job = [...network, '--threads', '1', '--top', '2', '--stalled-after', '2'];
const PICTURES = 16;
const [SHARD, SHARDS] = [6, 40];

interface Line {
  picture: string;
  predictions?: { label: string; index: number; score: number }[];
  error?: string;
  code?: string;
}

interface Running {
  child: ChildProcess;
  said: () => string;
  ended: Promise<Ended>;
}

/** A list that names some pictures again and again, files that are no picture, and files that are not there. */
async function drawPictures(): Promise<string[]> {
  for (let i = 0; i < PICTURES; i++) {
    const noise = { type: 'gaussian', mean: 40 + 10 * i, sigma: 5 + 4 * i } as const;
    const picture = sharp({ create: { width: 300, height: 300, channels: 3, background: 'red', noise } });
    await picture.png({ compressionLevel: 1 }).toFile(join(all, `${i}.png`));
  }
  writeFileSync(join(all, 'text.jpg'), 'no picture');
  return Array.from({ length: SHARD * SHARDS - 1 }, (_, i) => {
    if (i % 50 === 7) return 'text.jpg';
    if (i % 50 === 8) return `missing "${i}".jpg`;
    return i % 2 === 0 ? `${(i * 7) % PICTURES}.png` : join(all, `${(i * 5) % PICTURES}.png`);
  });
}

jest.setTimeout(180_000); // two dozen processes begin here, on what may be a busy machine

describeWithRedis('processes on one job', () => {
  const children = new Set<ChildProcess>();
  let redis: RedisServer;
  let pictures: string[];
  let list: string;

  beforeAll(async () => {
    redis = await RedisServer.start(all);
    pictures = await drawPictures();
    list = join(all, 'list.txt');
    writeFileSync(list, `${pictures.join('\n')}\n`);
  });
  afterAll(async () => {
    children.forEach((child) => child.kill('SIGKILL'));
    await redis?.kill();
  });

  function classify(...args: string[]): Running {
    const env = { ...process.env, LIBTORCH_RESNET_REDIS_URL: redis.url };
    const child = spawn(process.execPath, [main, 'classify', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data) => (stdout += String(data)));
    child.stderr.on('data', (data) => (stderr += String(data)));
    const ended = new Promise<Ended>((resolve) =>
      child.on('close', (code, signal) => {
        children.delete(child);
        resolve({ code, signal, stdout, stderr });
      }),
    );
    return { child, said: () => stderr, ended };
  }

  const fresh = (): string => join(mkdtempSync(join(all, 'out-')), 'out.jsonl');
  const start = (name: string, output: string, ...args: string[]): Running =>
    classify('--job', name, '--list', list, '-o', output, '--shard-size', String(SHARD), ...job, ...args);
  const shardsOf = (output: string): string[] => {
    try {
      return readdirSync(`${output}.shards`).filter((name) => name.endsWith('.jsonl'));
    } catch {
      return [];
    }
  };
  /** Waits until so many shards are there, or the processes have ended. */
  async function shards(output: string, count: number, ...running: Running[]): Promise<void> {
    while (shardsOf(output).length < count) {
      if (running.some(({ child }) => child.exitCode !== null || child.signalCode !== null)) {
        throw new Error(`it ended: ${running.map(({ said }) => said()).join('')}`);
      }
      await sleep(10);
    }
  }

  /** One line for each of the list, in its order, and what one process alone answers. */
  async function expectWhole(output: string): Promise<void> {
    const text = readFileSync(output, 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    const lines = text
      .slice(0, -1)
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    expect(lines.map(({ picture }) => picture)).toEqual(pictures);
    const preprocess = { resize: 32, crop: 32 };
    using classifier = await ImageClassifier.create({ weights: 'random:1', layers: 18, numClasses: 5, preprocess });
    const images = [...new Set(pictures)].filter((picture) => /\d\.png$/.test(picture));
    const answers = await classifier.classify(
      images.map((image) => join(all, image.replace(/.*\//, ''))),
      { topK: 2 },
    );
    expect(new Set(answers.map(([best]) => best!.score.toFixed(4))).size).toBeGreaterThan(PICTURES / 2);
    for (const { picture, predictions, error, code } of lines) {
      if (picture.endsWith('.jpg')) {
        const expected = picture === 'text.jpg' ? ['ERR_IMAGE', /^a picture must be/] : ['ERR_FILE', /ENOENT/];
        expect([code, error, predictions]).toEqual([expected[0], expect.stringMatching(expected[1]!), undefined]);
      } else {
        const expected = answers[images.indexOf(picture)]!;
        expect(predictions).toEqual(expected.map((one) => ({ ...one, score: expect.closeTo(one.score, 5) })));
        expect(error).toBeUndefined();
      }
    }
  }

  test('kill -9, ten times: one line per picture, and nothing left behind', async () => {
    const output = fresh();
    const workers = [start('killed', output), start('killed', output)];
    for (let kills = 1; kills <= 10; kills++) {
      await shards(output, 3 * kills, ...workers);
      await sleep(300 * Math.random());
      const victim = Math.floor(workers.length * Math.random());
      const { child, ended } = workers[victim]!;
      child.kill('SIGKILL');
      expect((await ended).signal).toBe('SIGKILL');
      workers[victim] = start('killed', output);
    }
    const ends = await Promise.all(workers.map(({ ended }) => ended));
    for (const { code, stdout, stderr } of ends) {
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: expect.stringContaining('is done') });
    }
    await expectWhole(output);
    expect(readdirSync(join(output, '..')).sort()).toEqual(['out.jsonl', 'out.jsonl.shards']);
    expect(readdirSync(`${output}.shards`).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(shardsOf(output)).toHaveLength(SHARDS);
    expect(await redis.ask((client) => client.keys('*'))).toEqual([]);
  });

  test('SIGTERM gives the shard back; nothing finished is lost when Redis is down and comes back empty', async () => {
    const output = fresh();
    const inodes = (): Map<string, number> =>
      new Map(shardsOf(output).map((name) => [name, statSync(join(`${output}.shards`, name)).ino]));
    const first = start('resumed', output);
    await shards(output, 3, first);
    first.child.kill('SIGTERM');
    const { code, stderr } = await first.ended;
    expect([code, stderr]).toEqual([143, expect.stringMatching(/stopped; the same command goes on/)]);
    const before = inodes();
    expect(before.size).toBeLessThan(SHARDS);
    expect(readdirSync(`${output}.shards`).filter((name) => name.endsWith('.tmp'))).toEqual([]);

    const second = start('resumed', output);
    await shards(output, before.size + 3, second);
    await redis.kill();
    while (!second.said().includes(`Redis at ${redis.shown} is gone`)) await sleep(10);
    await sleep(1000);
    expect(second.child.exitCode).toBeNull();
    await redis.start(); // what it knew is lost
    while (!second.said().includes('is back')) await sleep(10);
    await shards(output, Math.min(shardsOf(output).length + 3, SHARDS), second);
    await redis.kill();
    while (second.said().split('is gone').length < 3) await sleep(10);
    second.child.kill('SIGTERM'); // nobody is there to whom it could give the shard back
    expect((await second.ended).code).toBe(143);

    await redis.start();
    const third = start('resumed', output);
    const end = await third.ended;
    expect({ ...end, stderr: '' }).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    expect(end.stderr).toMatch(/is done: 239 pictures, 10 of them failed\n$/);
    await expectWhole(output);
    const after = inodes();
    expect([...before].filter(([name, inode]) => after.get(name) !== inode)).toEqual([]);
  });

  test('another list or folder under a name that was in use within a minute is rejected', async () => {
    const output = fresh();
    const first = start('same', output);
    await shards(output, 1, first);
    first.child.kill('SIGINT');
    expect((await first.ended).code).toBe(130);
    const other = join(all, 'other.txt');
    writeFileSync(other, '0.png\n');
    const [list, folder] = await Promise.all([
      classify('--job', 'same', '--list', other, '-o', fresh(), '--shard-size', String(SHARD), ...job).ended,
      start('same', fresh()).ended,
    ]);
    const shown = `list is "[0-9a-f]{64}" here and "[0-9a-f]{64}" in ${redis.shown}\\. Another job`;
    expect([list.code, list.stderr]).toEqual([2, expect.stringMatching(shown)]);
    expect([folder.code, folder.stderr]).toEqual([2, expect.stringMatching(/with another output/)]);
    expect(list.stderr + folder.stderr).not.toMatch(/sesame|\n {4}at /);
  });
});
