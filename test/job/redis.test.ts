import { connect } from '../../lib/job/redis';

const none = (): void => undefined;

test('no Redis: the message has the address and not the password', async () => {
  const error = await connect('redis://me:very%2Fsecret@127.0.0.1:1/3', none).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'ERR_REDIS' });
  expect((error as Error).message).toMatch(/^Cannot use Redis at redis:\/\/127\.0\.0\.1:1\/3: .*ECONNREFUSED.*\.$/);
  expect(JSON.stringify([error, (error as Error).message, (error as Error).cause])).not.toMatch(/secret/);
});

test.each(['127.0.0.1:6379', 'http://:secret@host', 'redis://:secret%zz@host', 'redis://', 'redis:secret', ''])(
  '%p is rejected',
  async (url) => {
    const error = await connect(url, none).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringMatching(/^redis must be redis:/) });
    expect((error as Error).message).not.toContain('secret');
  },
);

test('without the packages it says what to install', async () => {
  jest.doMock('bullmq', () => {
    throw Object.assign(new Error("Cannot find module 'bullmq'"), { code: 'MODULE_NOT_FOUND' });
  });
  await expect(connect('redis://127.0.0.1:1', none)).rejects.toMatchObject({
    code: 'ERR_DEPENDENCY',
    message: expect.stringContaining('npm install bullmq ioredis'),
  });
  jest.dontMock('bullmq');
});
