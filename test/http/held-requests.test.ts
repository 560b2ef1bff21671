import { describe, expect, it } from 'vitest';
import { HeldRequests } from '../../server/http/held-requests.ts';

const aborted = (signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('let go');
    signal.addEventListener('abort', () => resolve('let go'));
  });
const present = (): AbortSignal => new AbortController().signal;

describe('held requests', () => {
  it('[PA6] there are so many and no more: one more is refused before anything is done, and a place that is left is free', async () => {
    const held = new HeldRequests(2);
    const client = new AbortController();
    const first = held.hold(client.signal, aborted);
    const second = held.hold(present(), aborted);
    let done = false;
    const third = held.hold(present(), async () => (done = true));
    await expect(third).rejects.toMatchObject({ code: 'rate-limited', status: 429, extras: { retryAfter: 10 } });
    expect(done).toBe(false);
    client.abort();
    expect(await first).toBe('let go');
    expect(held.size).toBe(1);
    expect(await held.hold(present(), async () => 'answered')).toBe('answered');
    held.close();
    expect(await second).toBe('let go');
    expect(held.size).toBe(0);
  });

  it('[PA6] work that fails leaves its place, too', async () => {
    const held = new HeldRequests(1);
    await expect(held.hold(present(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(held.size).toBe(0);
  });

  it('[PA4] a client that is gone before the wait begins holds nothing', async () => {
    const held = new HeldRequests(1);
    expect(await held.hold(AbortSignal.abort(), aborted)).toBe('let go');
  });

  it('[PA9] nothing is held any more once the server stops', async () => {
    const held = new HeldRequests();
    held.close();
    expect(await held.hold(present(), aborted)).toBe('let go');
  });
});
