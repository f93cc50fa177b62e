import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, type Ended } from '../support/node';

const resnet = (...args: string[]): Promise<Ended> => run(process.execPath, ['dist/cli/main.js', ...args]);
const golden = (name: string): string => readFileSync(join(__dirname, '../fixtures/summary', `${name}.txt`), 'utf8');
const quiet = (stdout: string): Ended => ({ code: 0, signal: null, stdout, stderr: '' });

describe('resnet summary writes the table to the byte when piped', () => {
  test.each([
    [['50'], 'article.resnet50'],
    [['152', '--trainable', 'parameters'], 'paddle3.resnet152'],
    [['18', '--classes', '10', '--input', '8,3,32,32', '--trainable', 'parameters'], 'paddle3.resnet18_c10_n8_32'],
    [['basic:64,128,2', '--input', '1,64,224,224'], 'article.basic_block_64_128_s2'],
    [['bottleneck:64,128,2', '--input', 'null,64,224,224'], 'article.bottleneck_block_64_128_s2'],
  ])('%j', async (args, name) => {
    expect(await resnet('summary', ...args)).toEqual(quiet(golden(name)));
  });

  test('by npx in a clone', async () => {
    expect(await run('npx', ['--no', 'resnet', 'summary', '50'])).toEqual(quiet(golden('article.resnet50')));
  });

  test('also where CI is set', async () => {
    const ended = await run(process.execPath, ['dist/cli/main.js', 'summary', '50'], { env: { CI: '1' } });
    expect(ended).toEqual(quiet(golden('article.resnet50')));
  });
});

test('resnet summary as JSON, CSV and Markdown', async () => {
  const { rows, totals } = JSON.parse((await resnet('summary', '18', '--format', 'json')).stdout);
  expect(rows[0]).toMatchObject({ name: 'Conv2D-1', outputShape: [1, 64, 112, 112], parameters: 9408 });
  expect(totals).toMatchObject({ parameters: 11_699_112 });
  const csv = (await resnet('summary', '18', '--format', 'csv')).stdout.split('\n');
  expect(csv[0]).toBe('name,input shape,output shape,parameters,trainable,multiply-adds');
  expect(csv[1]).toBe('Conv2D-1,"[1, 3, 224, 224]","[1, 64, 112, 112]",9408,9408,118013952');
  const markdown = (await resnet('summary', '18', '--format', 'markdown')).stdout.split('\n');
  expect(markdown.slice(0, 3)).toEqual([
    '| name | input shape | output shape | parameters | trainable | multiply-adds |',
    '| --- | --- | --- | ---: | ---: | ---: |',
    '| Conv2D-1 | [1, 3, 224, 224] | [1, 64, 112, 112] | 9,408 | 9,408 | 118,013,952 |',
  ]);
  expect(markdown.at(-2)).toMatch(/^\| total \|.*\| 11,699,112 \|/);
});

test('resnet params: five depths, three counts', async () => {
  const all = JSON.parse((await resnet('params', '--format', 'json')).stdout) as { layers: number }[];
  expect(all.map(({ layers }) => layers)).toEqual([18, 34, 50, 101, 152]);
  expect(all[2]).toMatchObject({
    all: 25_610_152,
    parameters: 25_557_032,
    article: 25_503_912,
    multiplyAdds: 4_089_184_256,
  });
  const text = await resnet('params', '50', '--classes', '10');
  expect(text).toMatchObject({ code: 0, stderr: '' });
  expect(text.stdout.split('\n')).toEqual([
    'layers         all  parameters     article  multiply-adds     MB',
    '    50  23,581,642  23,528,522  23,475,402  4,087,156,736  89.96',
    '',
    expect.stringMatching(/^all: .*parameters: .*article: .*multiply-adds: .*MB: /),
    '',
  ]);
});

describe('wrong usage exits with 2 and a message on stderr', () => {
  test.each([
    [['summary', '20'], 'Supported layers are [18, 34, 50, 101, 152], but input layer is 20.'],
    [['summary'], "missing required argument 'network'"],
    [['summary', 'basic:1,2'], 'network must be basic:IN,OUT,STRIDE'],
    [['summary', 'basic:0,2,1'], 'inputChannels must be'],
    [['summary', '50', '--input', '1,3,224'], 'N,C,H,W'],
    [['summary', '50', '--input', '1,4,224,224'], '[N, 3, H, W]'],
    [['summary', '50', '--classes', '0'], 'positive integer'],
    [['summary', '50', '--format', 'xml'], 'Allowed choices'],
    [['params', 'fifty'], 'but input layer is fifty.'],
    [['nothing'], "unknown command 'nothing'"],
  ])('%j', async (args, message) => {
    const ended = await resnet(...args);
    expect(ended).toMatchObject({ code: 2, signal: null, stdout: '' });
    expect(ended.stderr).toContain(message);
  });
});

test('--version and --help exit with 0', async () => {
  expect(await resnet('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  expect((await resnet('summary', '--help')).code).toBe(0);
});

test('a reader that closes early is not a failure', async () => {
  const ended = await run('sh', ['-c', `${process.execPath} dist/cli/main.js summary 152 | head -n 1`]);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
});
