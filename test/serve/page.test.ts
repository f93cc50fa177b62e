import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastify from 'fastify';
import { chromium, type Browser, type Page } from 'playwright-core';
import { createServer } from '../../lib/serve';
import { addRoutes } from '../../lib/serve/plugin';
import { fixture } from '../image/pictures';
import { fakeModel, FakeNetwork, serve, type Served } from './support';

/**
 * The page in a real Chromium: CHROMIUM, or where Debian puts it. On a machine that must have one
 * (REQUIRE_CHROMIUM=1) its absence is a failure and not a reason to skip. SCREENSHOTS is a folder for screenshots.
 */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const found = existsSync(executablePath);
const required = process.env.REQUIRE_CHROMIUM === '1';

(found || required ? describe : describe.skip)('in Chromium', () => {
  let browser: Browser;
  let served: Served;
  beforeAll(async () => {
    if (!found) throw new Error(`REQUIRE_CHROMIUM=1, but there is no ${executablePath}`);
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    served = await serve();
  });
  afterAll(() => browser?.close());

  /** Opens the page and collects console errors and requests to other hosts in `bad`. */
  async function open(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page & { bad: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1100, height: 900 }, ...options });
    const bad: string[] = [];
    page.on('console', (message) => message.type() === 'error' && bad.push(message.text()));
    page.on('pageerror', (error) => bad.push(String(error)));
    page.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(url)) bad.push(request.url());
    });
    await page.goto(`${url}/`);
    return Object.assign(page, { bad });
  }

  test('choose a picture by keyboard: bars of the best classes, and times', async () => {
    const page = await open(served.url);
    await page.waitForSelector('#card dd');
    const choosing = page.waitForEvent('filechooser'); // before the key press, which would open a native dialog otherwise
    for (let i = 0; i < 9; i++) {
      await page.keyboard.press('Tab');
      if ((await page.evaluate('document.activeElement.id')) === 'file') break;
    }
    expect(await page.evaluate('document.activeElement.id')).toBe('file');
    await page.keyboard.press('Enter');
    await (await choosing).setFiles(fixture('landscape.jpg'));
    await page.waitForSelector('#bars li');
    expect(await page.locator('#bars li').count()).toBe(4);
    expect(await page.locator('#answer').textContent()).toMatch(/^sum, \d+\.\d %$/);
    const widths = await page.locator('.fill').evaluateAll((bars: any[]) => bars.map((bar) => bar.offsetWidth));
    expect(widths).toEqual([...widths].sort((a, b) => b - a));
    expect(await page.locator('#times dt').allTextContents()).toEqual(['decode', 'queue', 'inference', 'in all']);
    expect(await page.locator('#preview').evaluate((image: any) => image.naturalWidth)).toBeGreaterThan(0);
    await page.waitForSelector('#live dd', { timeout: 5000 });
    expect(page.bad).toEqual([]);
    await page.close();
  });

  test('drop a picture; a file that is not a picture shows an error', async () => {
    const page = await open(served.url);
    await page.waitForSelector('#card dd');
    const dropped = async (bytes: Buffer, name: string): Promise<void> => {
      const transfer = await page.evaluateHandle(
        `(() => {
          const transfer = new DataTransfer();
          const bytes = Uint8Array.from(atob('${bytes.toString('base64')}'), (c) => c.charCodeAt(0));
          transfer.items.add(new File([bytes], '${name}'));
          return transfer;
        })()`,
      );
      await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
    };
    await dropped(readFileSync(fixture('small.png')), 'small.png');
    await page.waitForSelector('#bars li');
    expect(await page.getAttribute('#preview', 'alt')).toBe('small.png');
    await dropped(Buffer.from('<img src=x onerror=alert(1)>'), 'none.png');
    await page.getByText('which is none').waitFor();
    expect(await page.locator('#bars li').count()).toBe(0);
    expect(page.bad.filter((line) => !line.includes('400'))).toEqual([]);
    await page.close();
  });

  test('accessible names and roles, and no scrolling sideways on a phone', async () => {
    const page = await open(served.url, { viewport: { width: 320, height: 640 } });
    await page.waitForSelector('#card dd');
    await page.getByRole('combobox', { name: 'Model' }).waitFor();
    await page.getByLabel('choose a file').waitFor({ state: 'attached' });
    for (const name of ['Picture', 'What it shows', 'Model', 'Now']) {
      await page.getByRole('region', { name }).waitFor();
    }
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320);
    expect(await page.getAttribute('html', 'lang')).toBe('en');
    await page.close();
  });

  test('asks for the API key if one is needed', async () => {
    const locked = await serve({ apiKeys: ['a-long-key'] });
    const page = await open(locked.url);
    await page.getByLabel('API key').fill('a-long-key');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#card dd');
    await page.setInputFiles('#file', fixture('small.png'));
    await page.waitForSelector('#bars li');
    await page.close();
  });

  test('a real network: its card, its table, and the notice of random weights', async () => {
    const app = await createServer({ models: [{ weights: 'random:1', layers: 18 }], logLevel: 'silent' });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open(url, { colorScheme });
      await page.waitForSelector('#card dd');
      expect(await page.locator('#random').isVisible()).toBe(true);
      expect(await page.locator('#card dd').allTextContents()).toEqual(['18', '11,689,512', '1,000', 'float32', 'cpu']);
      await page.setInputFiles('#file', fixture('landscape.jpg'));
      await page.waitForSelector('#bars li');
      await page.getByAltText('Where the picture looks like').waitFor();
      expect(await page.evaluate('document.getElementById("heat").naturalWidth')).toBeGreaterThan(100);
      await page.getByText('Layer by layer').click();
      expect(await page.locator('#summary').textContent()).toMatch(/Conv2D-1/);
      await page.waitForSelector('#live dd');
      expect(page.bad).toEqual([]);
      if (process.env.SCREENSHOTS) {
        mkdirSync(process.env.SCREENSHOTS, { recursive: true });
        await page.screenshot({ path: join(process.env.SCREENSHOTS, `${colorScheme}.png`), fullPage: true });
      }
      await page.close();
    }
    await app.close();
  });
});

test('runs no script but its own, also below a prefix', async () => {
  const app = fastify();
  const models = [fakeModel(new FakeNetwork())];
  await app.register((scope) => addRoutes(scope, { models: [{ weights: 'random' }] }, models), { prefix: '/a/b' });
  const page = await app.inject('/a/b/');
  expect(page.headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/);
  expect(page.body).not.toMatch(/(src|href)="(https?:|\/)/); // relative, so that a prefix works
  const bare = await app.inject('/a/b?x=1');
  expect([bare.statusCode, bare.headers.location]).toEqual([302, 'b/']);
  for (const file of ['page.js', 'page.css', 'models.json'])
    expect((await app.inject(`/a/b/${file}`)).statusCode).toBe(200);
  await app.close();
});
