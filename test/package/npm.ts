import { root, run } from '../support/node';

/** Without what npm tells the scripts that it runs: a npm inside would take this package for the one meant. */
export const env = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) =>
      /^(npm_package_|npm_lifecycle_|npm_config_local_prefix$|INIT_CWD$|LIBTORCH_RESNET_SKIP)/.test(name),
    )
    .map((name) => [name, undefined]),
);

export const INSTALL_FLAGS = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'] as const;

/** Runs npm, and returns what it prints. A failed npm is an error with all that it said. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run('npm', args, { cwd, env });
  if (code !== 0) throw new Error(`npm ended with ${String(code)}\n${stdout}\n${stderr}`);
  return stdout;
}

export interface Packed {
  filename: string;
  files: { path: string }[];
}

/** Packs the package into a folder, without scripts: dist/ is compiled by now, and other tests are reading it. */
export async function pack(folder: string): Promise<Packed> {
  const printed = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root);
  const [packed] = JSON.parse(printed) as [Packed];
  return packed;
}
