/** Waits until `look` gives something truthy, and gives that. Rejects with the last look after `seconds`. */
export async function eventually<T>(look: () => T | Promise<T>, seconds = 20): Promise<NonNullable<T>> {
  const end = performance.now() + seconds * 1_000;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`It did not happen within ${seconds} s.`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
