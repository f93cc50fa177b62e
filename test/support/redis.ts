import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import Redis from 'ioredis';
import { freePort } from './free-port';

const found = spawnSync('redis-server', ['--version']).status === 0;

/**
 * For tests that need Debian's redis-server: skipped where there is none, unless this machine must have one
 * (REQUIRE_REDIS=1). Then its absence is a failure.
 */
export const describeWithRedis: jest.Describe = found || process.env.REQUIRE_REDIS === '1' ? describe : describe.skip;

const PASSWORD = 'open/sesame';

/** A Redis of a test's own, on a free port, with a password, that keeps nothing over its end. */
export class RedisServer {
  #child: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(folder: string): Promise<RedisServer> {
    if (!found) throw new Error('REQUIRE_REDIS=1, but redis-server is not installed');
    const server = new RedisServer(folder, await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.port}`;
  }

  get shown(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--requirepass', PASSWORD];
    const kept = ['--save', '', '--appendonly', 'no', '--dir', this.folder];
    this.#child = spawn('redis-server', [...args, ...kept], { stdio: 'ignore' });
    for (const end = Date.now() + 10_000; ; await sleep(20)) {
      const answer = await this.ask((redis) => redis.ping()).catch(String);
      if (answer === 'PONG') return;
      if (Date.now() > end) throw new Error(`redis-server does not answer: ${answer}`);
    }
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async ask<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      return await question(redis);
    } finally {
      redis.disconnect();
    }
  }
}
