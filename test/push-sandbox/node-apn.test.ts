import apn from '@parse/node-apn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPushSandbox, type PushSandbox } from '../../cli/push-sandbox/push-sandbox.ts';
import type { ScriptedAction } from '../../cli/push-sandbox/script.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { deviceToken, topic } from './provider.ts';

/** One push by @parse/node-apn: what it says of it, in a few words. */
type Result = 'sent' | { status?: number; response?: { reason: string; timestamp?: number }; error?: Error };

let clock: FakeClock;
let sandbox: PushSandbox;
let provider: apn.Provider;
beforeEach(async () => {
  clock = new FakeClock();
  // Its tokens are dated by the machine's clock.
  clock.setWall(Date.now());
  sandbox = await startPushSandbox({ clock });
  const { host, port, ca, key, keyId, teamId } = sandbox;
  provider = new apn.Provider({ token: { key, keyId, teamId }, address: host, port, ca: [ca], connectionRetryLimit: 0 });
});
afterEach(async () => {
  await provider.shutdown();
  await sandbox.close();
});

function note(more: Record<string, unknown> = {}): apn.Notification {
  return Object.assign(new apn.Notification(), { topic, pushType: 'alert', alert: { title: 'Title', body: 'Body' }, ...more });
}

async function push(number = 1, notification = note()): Promise<Result> {
  const { sent, failed } = await provider.send(notification, deviceToken(number));
  const [failure] = failed;
  return sent.length === 1 ? 'sent' : ((failure ?? {}) as Result);
}

const pushAll = (count: number): Promise<Result[]> => Promise.all(Array.from({ length: count }, (_, index) => push(index + 1)));

describe('@parse/node-apn', () => {
  it('[PSB23] trusts the CA that it is given, and pushes by host and port what it is told to', async () => {
    const id = '123e4567-e89b-12d3-a456-426655440000';
    const payload = { aps: { alert: { title: 'Title', body: 'Böδy 🥝' }, 'thread-id': 's1' }, sessionId: 's1' };
    expect(await push(1, note({ rawPayload: payload, id, collapseId: 'c1', priority: 5, expiry: 1_900_000_000 }))).toBe('sent');
    expect(sandbox.pushes()).toMatchObject([
      { apnsId: id, collapseId: 'c1', priority: 5, expiration: 1_900_000_000, pushType: 'alert', topic, body: JSON.stringify(payload) },
    ]);
    const stranger = new apn.Provider({
      token: { key: sandbox.key, keyId: sandbox.keyId, teamId: sandbox.teamId },
      address: sandbox.host,
      port: sandbox.port,
    });
    expect(await stranger.send(note(), deviceToken(1))).toMatchObject({ sent: [], failed: [{ error: expect.any(Error) }] });
    await stranger.shutdown();
    expect(sandbox.counts().received).toBe(1);
  });

  it('[PSB23] sends 300 pushes over one connection with one provider token', async () => {
    await push();
    expect(await pushAll(300)).toEqual(Array(300).fill('sent'));
    expect(sandbox.connections()).toMatchObject([{ number: 1, served: 301 }]);
    expect(new Set(sandbox.pushes().map(({ providerToken }) => providerToken)).size).toBe(1);
  });

  it.each<[string, number, number | undefined]>([
    ['BadDeviceToken', 400, undefined],
    ['Unregistered', 410, 1234],
    ['TooManyRequests', 429, undefined],
    ['ServiceUnavailable', 503, undefined],
  ])('[PSB23] is told %s %i, and sends nothing again by itself', async (reason, status, timestamp) => {
    sandbox.script({ then: { do: 'refuse', reason, retryAfter: 1, ...(timestamp === undefined ? {} : { timestamp }) } });
    expect(await push()).toMatchObject({ status, response: { reason, ...(timestamp === undefined ? {} : { timestamp }) } });
    expect(sandbox.counts().received).toBe(1);
  });

  it('[PSB23] makes a new provider token after ExpiredProviderToken, for the next push', async () => {
    await push();
    sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'ExpiredProviderToken' } });
    expect(await push()).toMatchObject({ status: 403 });
    expect(await push()).toBe('sent');
    const [first, second, third] = sandbox.pushes().map(({ providerToken }) => providerToken);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(sandbox.counts().received).toBe(3);
  });

  it.each<ScriptedAction>([
    { do: 'cut', taken: true },
    { do: 'cut', taken: false },
    { do: 'reset', taken: false },
  ])('[PSB23] says that a push failed where the service breaks it off, and the next one arrives: %j', async (then) => {
    await push();
    sandbox.script({ when: { nth: 1 }, then });
    expect(await push(2)).toMatchObject({ error: expect.any(Error) });
    await eventually(async () => (await push(3)) === 'sent');
  });

  it.each(['finish', 'refuse'] as const)(
    '[PSB23] says of each push in flight at a GOAWAY whether it was sent, and goes on on a new connection: %s',
    async (inFlight) => {
      await push();
      sandbox.script({ when: { nth: 5 }, then: { do: 'goaway', inFlight, delayMs: 1000 } });
      sandbox.script({ then: { do: 'accept', delayMs: 2000 } });
      const all = pushAll(10);
      await eventually(() => sandbox.pushes().length === 11 && sandbox.pushes().every(({ body }) => body !== ''));
      clock.advance(1000);
      clock.advance(1000);
      const sent = (await all).filter((result) => result === 'sent').length;
      sandbox.unscript();
      // Behind a GOAWAY it gives up what the service would have finished: the one that brought it is all that is sure.
      expect(sent).toBeGreaterThanOrEqual(1);
      expect(sandbox.counts().accepted).toBeGreaterThanOrEqual(sent + 1);
      await eventually(async () => (await push(11)) === 'sent');
      expect(sandbox.pushes().at(-1)?.connection).toBe(2);
    },
  );
});
