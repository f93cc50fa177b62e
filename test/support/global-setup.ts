import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** The command line and the package are tested as users get them: compiled. */
export default function globalSetup(): void {
  const root = join(__dirname, '..', '..');
  execFileSync(
    process.execPath,
    [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
}
