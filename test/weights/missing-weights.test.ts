import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ImageClassifier } from '../../lib/image/classifier';
import { ResNet } from '../../lib/resnet';
import { loadModels } from '../../lib/serve/model';
import { convertFile } from '../../lib/weights/convert-file';
import { temporaryFolder } from '../support/files';
import { root, run } from '../support/node';

const folder = temporaryFolder();

test.each<[weights: string, advice: RegExp]>([
  ['resnet50', /IMAGENET1K_V1, IMAGENET1K_V2, DEFAULT\. For torchvision's weights: DEFAULT with layers 50 /],
  ['ResNet-152', /DEFAULT with layers 152 /],
  ['ResNet50_Weights.IMAGENET1K_V2', /For torchvision's weights: IMAGENET1K_V2 with layers 50 /],
  ['default', /For torchvision's weights: DEFAULT\.$/],
  ['pretrained', /There is no such file\. The names .* IMAGENET1K_V1, IMAGENET1K_V2, DEFAULT\.$/],
  ['resnet50.a1_in1k', /For timm's.*hf download timm\/resnet50\.a1_in1k --local-dir resnet50\.a1_in1k/],
  ['microsoft/resnet-50', /hf download microsoft\/resnet-50 --local-dir resnet-50\), and pass the folder's path\.$/],
  ['timm/resnet50.a1_in1k', /hf download timm\/resnet50\.a1_in1k /],
  ['hf-hub:timm/resnet50.a1_in1k', /hf download timm\/resnet50\.a1_in1k /],
  ['hf://microsoft/resnet-50', /hf download microsoft\/resnet-50 /],
  ['https://huggingface.co/microsoft/resnet-50', /hf download microsoft\/resnet-50 /],
  ['https://download.pytorch.org/models/resnet50-0676ba61.pth', /It is a URL: download the file, and pass its path\.$/],
  ['s3://bucket/net.pth', /It is a URL: download/],
  ['file:///net.pth', /fileURLToPath/],
  [`data:application/octet-stream;base64,${'A'.repeat(3e6)}`, /^.{0,300}$/],
])('%.60s', async (weights, advice) => {
  await expect(ResNet.load(weights)).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringMatching(/^weights must be a file or a folder on this machine, but got "/),
  });
  await expect(ResNet.load(weights)).rejects.toThrow(advice);
});

test('what looks like a path is one: the message is that of any missing file', async () => {
  mkdirSync(join(folder, 'weights'));
  for (const path of [join(folder, 'weights', 'resnet50'), 'weights/resnet50.pth', './resnet50', 'resnet50.pth']) {
    await expect(ResNet.load(path)).rejects.toThrow(/^Cannot read .*ENOENT/);
  }
});

test('the classifier, the server and the command line also take random weights; convert takes no names', async () => {
  const all = /IMAGENET1K_V1, IMAGENET1K_V2, DEFAULT, random, random:SEED\. /;
  await expect(ImageClassifier.create({ weights: 'resnet50' })).rejects.toThrow(all);
  await expect(loadModels([{ weights: 'resnet50' }])).rejects.toThrow(all);
  const cli = await run(process.execPath, [
    join(root, 'dist', 'cli', 'main.js'),
    'classify',
    '--weights',
    'resnet50',
    'a',
  ]);
  expect(cli).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(all) });
  await expect(convertFile('resnet50', join(folder, 'out.safetensors'))).rejects.toThrow(/There is no such file\.$/);
});
