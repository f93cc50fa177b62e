import { infer, serve } from './support';

const ours = 'https://pages.example';
const input = { name: 'input', shape: [1, 3, 1, 1], datatype: 'FP32', data: [1, 2, 3] };
const key = 'a-long-key';

/** The preflight request that a browser sends before a request with a JSON body and a key. */
const preflight = (url: string, origin: string): Promise<Response> =>
  fetch(`${url}/v2/models/fake/infer`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,inference-header-content-length',
    },
  });

const allowed = ({ headers }: Response): string | null => headers.get('access-control-allow-origin');

test('off by default: no header, no OPTIONS', async () => {
  const { url } = await serve();
  const response = await infer(url, { inputs: [input] }, { origin: ours });
  expect([response.status, allowed(response), response.headers.get('vary')]).toEqual([200, null, null]);
  const asked = await preflight(url, ours);
  expect([asked.status, allowed(asked)]).toEqual([405, null]);
});

describe('for one origin', () => {
  let url: string;
  beforeAll(async () => ({ url } = await serve({ cors: [ours, 'http://127.0.0.1:3000'], apiKeys: [key] })));

  test('a preflight needs no key and lists the allowed headers', async () => {
    const { status, headers } = await preflight(url, ours);
    expect([status, headers.get('access-control-allow-origin')]).toEqual([204, ours]);
    const sent = headers.get('access-control-allow-headers')!.toLowerCase().split(', ');
    expect(sent).toEqual(expect.arrayContaining(['authorization', 'content-type', 'inference-header-content-length']));
    expect(headers.get('access-control-allow-methods')!.split(', ')).toEqual(['GET', 'POST']);
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  test("responses are readable, with the header that tells the JSON's length", async () => {
    const outputs = [{ name: 'logits', parameters: { binary_data: true } }];
    const headers = { origin: ours, authorization: `Bearer ${key}` };
    const response = await infer(url, { inputs: [input], outputs }, headers);
    expect([response.status, allowed(response)]).toEqual([200, ours]);
    expect(response.headers.get('inference-header-content-length')).toMatch(/^\d+$/);
    expect(response.headers.get('access-control-expose-headers')!.toLowerCase().split(', ')).toEqual(
      expect.arrayContaining(['inference-header-content-length', 'retry-after', 'x-request-id']),
    );
    expect(response.headers.get('vary')).toMatch(/origin/i); // caches must not serve it to other origins
  });

  test('the key is still needed, and the error is readable', async () => {
    const response = await infer(url, { inputs: [input] }, { origin: ours });
    expect([response.status, allowed(response)]).toEqual([401, ours]);
    expect(await response.json()).toMatchObject({ code: 'ERR_API_KEY' });
  });

  test.each(['https://pages.example.evil', 'http://pages.example', 'https://sub.pages.example', 'null'])(
    'not for %s',
    async (origin) => {
      expect(allowed(await preflight(url, origin))).toBeNull();
      const response = await infer(url, { inputs: [input] }, { origin, authorization: `Bearer ${key}` });
      expect([response.status, allowed(response)]).toEqual([200, null]);
    },
  );
});

test('for every origin', async () => {
  const { url } = await serve({ cors: ['*'] });
  expect(allowed(await preflight(url, 'https://anybody.example'))).toBe('*');
});

test.each<[any]>([['https://a.example'], [['https://a.example/']], [['a.example']], [['file:///x']], [[5]], [['']]])(
  'cors: %j is rejected',
  async (cors) => {
    await expect(serve({ cors })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringMatching(/^cors must be/),
    });
  },
);
