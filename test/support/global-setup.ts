import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** The command line and the package are tested as users get them: compiled, and with nothing stale beside it. */
export default function globalSetup(): void {
  execFileSync('npm', ['run', 'build:ts', '--silent'], { cwd: join(__dirname, '..', '..'), stdio: 'inherit' });
}
