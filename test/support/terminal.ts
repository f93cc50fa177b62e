import { run, type Ended } from './node';

/** Python's pty module, since Node has none: everything that the program writes comes out as `stdout`. */
const SPAWN = `
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 65536))))
`;

/** Runs a program on a terminal of its own. */
export function runOnTerminal(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return run('python3', ['-c', SPAWN, command, ...args], { env: { TERM: 'xterm', LANG: '', LC_CTYPE: '', ...env } });
}
