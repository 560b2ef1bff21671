/**
 * Keeps the process from ending before the work has: timers of the clock don't, so a wait with nothing else open (no door yet, or
 * none any more) would end it in the middle.
 */
export async function stayAwake<T>(work: () => Promise<T>): Promise<T> {
  const awake = setInterval(() => {}, 60_000);
  try {
    return await work();
  } finally {
    clearInterval(awake);
  }
}
