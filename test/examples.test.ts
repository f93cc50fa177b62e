import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { fixture } from './image/pictures';
import { root, run } from './support/node';
import { samples } from './support/samples';

const example = readFileSync(join(root, 'examples', 'classify.ts'), 'utf8');
/** README's and those of docs/; samples.test.ts runs them. */
const whole = samples().map(({ code }) => code);

const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), undefined, {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic: (problem) => {
    throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
  },
})!;

/** What the compiler has to say of each, the package being lib/ as it is now. */
function errors(codes: readonly string[]): string[][] {
  const files = new Map(codes.map((code, i) => [join(root, 'test', `example${i}.mts`), code]));
  const paths = {
    'libtorch-resnet': [join(root, 'lib', 'index.ts')],
    'libtorch-resnet/serve': [join(root, 'lib', 'serve', 'index.ts')],
    'libtorch-resnet/client': [join(root, 'lib', 'client', 'index.ts')],
  };
  const options: ts.CompilerOptions = { ...config.options, paths, noUnusedLocals: false };
  const host = ts.createCompilerHost(options);
  const [readFile, fileExists] = [host.readFile.bind(host), host.fileExists.bind(host)];
  host.readFile = (name) => files.get(name) ?? readFile(name);
  host.fileExists = (name) => files.has(name) || fileExists(name);
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].map((file) => {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  });
}

test('the example and the samples of README and docs/ compile', () => {
  expect(whole.length).toBeGreaterThan(1);
  const [wrong, ...right] = errors([example.replace('topK: 3', 'top: 3'), example, ...whole]);
  expect(right).toEqual([[], ...whole.map(() => [])]);
  expect(wrong![0]).toContain("'top' does not exist");
});

test('the example names pictures, in ten lines, and says which one it cannot read', async () => {
  expect(example.split('\n').filter((line) => line !== '' && !line.startsWith('//')).length).toBeLessThanOrEqual(10);
  const script = ts.transpileModule(example, { compilerOptions: { ...config.options, module: ts.ModuleKind.ESNext } });
  const args = ['--input-type=module', '-e', script.outputText, '--', 'random:1', fixture('small.png'), 'missing.jpg'];
  // What is given to -e has no path of its own in argv.
  const shifted = args.with(2, `process.argv.splice(1, 0, 'example');${script.outputText}`);
  const { code, stdout, stderr } = await run(process.execPath, shifted);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^image\[1\] .*missing\.jpg.*\n$/)]);
  expect(stdout).toMatch(/^.*small\.png\n(?: {0,4}\d+\.\d % {2}\S.*\n){3}missing\.jpg\n$/);
});

test('the scene is the same for the same seed', async () => {
  const script = `
    import { scene } from './examples/scene.mjs';
    const [one, same, other] = [7, 7, 8].map(scene);
    console.log([same, other].map((pixels) => Buffer.compare(one, pixels) === 0).join());`;
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script]);
  expect([stdout, stderr]).toEqual(['true,false\n', '']);
});
