import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DockerfileParser, Copy, Env, From, type Instruction } from 'dockerfile-ast';
import { root, run } from '../support/node';

export const instructions: readonly Instruction[] = DockerfileParser.parse(
  readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8'),
).getInstructions();

/** The arguments of all instructions of one kind, optionally of one stage. */
export function argumentsOf(keyword: string, stage?: number): string[] {
  let at = -1;
  return instructions.flatMap((one) => {
    if (one instanceof From) at++;
    if (one.getKeyword() !== keyword || (stage !== undefined && at !== stage)) return [];
    return [one.getArgumentsContent() ?? ''];
  });
}

/** The arguments of the last instruction of its kind, which must be in exec form. */
export function execForm(keyword: string): string[] {
  const words = argumentsOf(keyword).at(-1);
  const list = keyword === 'HEALTHCHECK' ? words?.replace(/^CMD /, '') : words;
  if (list?.startsWith('[') !== true) throw new Error(`${keyword} is not in the exec form`);
  return JSON.parse(list) as string[];
}

/** The last stage: its files below `folder`, its environment. */
export interface Image {
  folder: string;
  env: Record<string, string>;
  /** Replaces the image's paths in a text by those below `folder`. */
  inside(text: string): string;
}

/**
 * Executes the Dockerfile without a container engine: absolute paths are moved below a folder of its own, and the
 * installation of Debian packages is skipped.
 *
 * @param instead - may replace a RUN; returns whether it did
 */
export async function build(
  folder: string,
  instead: (command: string, stage: string) => boolean = () => false,
): Promise<Image> {
  // All stages are built at the same path, as in a container: the addon contains paths.
  const now = join(folder, 'now');
  const inside = (text: string): string => text.replace(/(?<![\w.*])\/(app|opt|cache)\b/g, `${now}/$1`);
  const inContext = ignoring(readFileSync(join(root, '.dockerignore'), 'utf8'));
  let [stage, cwd, env]: [string | undefined, string, Record<string, string>] = [undefined, now, {}];
  for (const one of instructions) {
    if (one instanceof From) {
      if (stage !== undefined) renameSync(now, join(folder, stage));
      mkdirSync(now);
      [stage, cwd, env] = [one.getBuildStage() ?? 'last', now, {}];
    } else if (one instanceof Env) {
      for (const property of one.getProperties()) env[property.getName()] = inside(property.getValue() ?? '');
    } else if (one.getKeyword() === 'WORKDIR') {
      mkdirSync((cwd = inside(one.getArgumentsContent()!)), { recursive: true });
    } else if (one instanceof Copy) {
      const from = one
        .getFlags()
        .find((flag) => flag.getName() === 'from')
        ?.getValue();
      const words = one.getArguments().map((argument) => argument.getValue());
      const target = words.pop()!;
      for (const source of words) {
        if (typeof from !== 'string' && !inContext(source)) throw new Error(`.dockerignore keeps ${source} away`);
        const path = typeof from === 'string' ? join(folder, from, source) : join(root, source);
        copy(path, target.startsWith('/') ? inside(target) : join(cwd, target), target.endsWith('/'));
      }
    } else if (one.getKeyword() === 'RUN') {
      const command = one.getArgumentsContent()!;
      if (command.startsWith('.ci/packages') || instead(command, now)) continue;
      const ended = await run('sh', ['-c', inside(command)], { cwd, env: { ...CLEAN, ...env } });
      if (ended.code !== 0) throw new Error(`${command}\n${ended.stdout}\n${ended.stderr}`);
    }
  }
  return { folder: now, env, inside };
}

/** Without npm's variables for scripts, from which a nested npm would take this package for its own. */
const CLEAN = {
  ...Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^(npm_(package|lifecycle)_|npm_config_local_prefix$|INIT_CWD$|LIBTORCH|RESNET_)/.test(name))
      .map((name) => [name, undefined]),
  ),
  npm_config_prefer_offline: 'true',
};

/** Like COPY: a folder's content, or a file under its name or a new one. */
function copy(source: string, target: string, into: boolean): void {
  if (!existsSync(source)) throw new Error(`there is no ${source}`);
  const place = into && !statSync(source).isDirectory() ? join(target, basename(source)) : target;
  cpSync(source, place, { recursive: true, verbatimSymlinks: true });
}

/** Whether a .dockerignore of the form "everything but" includes a path. */
function ignoring(text: string): (path: string) => boolean {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const [first, ...others] = lines;
  if (first !== '*' || !others.every((line) => /^![\w.-]+$/.test(line)))
    throw new Error('a .dockerignore of another form');
  const allowed = new Set(others.map((line) => line.slice(1)));
  return (path) => allowed.has(path.split('/')[0]!);
}
