/** Waits for what comes by itself: a fixed pause is too short on a busy machine. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`It never came that ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
