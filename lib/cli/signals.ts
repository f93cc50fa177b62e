/** What ends a command, with the exit code that shells expect of it. */
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130 } as const;

/** Hands the first signal, as its exit code, to `first`; a second one ends the process at once. */
export function onSignals(first: (exitCode: number) => void): void {
  let ending = false;
  for (const [signal, code] of Object.entries(EXIT_CODES)) {
    process.on(signal, () => {
      if (ending) process.exit(code);
      ending = true;
      first(code);
    });
  }
}
