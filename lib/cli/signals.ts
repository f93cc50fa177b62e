/** The signals that end a command, with the exit codes that shells expect. */
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;

/** Calls `onFirst` with the exit code of the first signal; a second signal exits at once. */
export function onSignals(onFirst: (exitCode: number) => void): void {
  let ending = false;
  for (const [signal, code] of Object.entries(EXIT_CODES)) {
    process.on(signal, () => {
      if (ending) process.exit(code);
      ending = true;
      onFirst(code);
    });
  }
}
