import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPushSandbox, type PushSandbox } from '../../cli/push-sandbox/push-sandbox.ts';
import type { ScriptedRule } from '../../cli/push-sandbox/script.ts';
import { reasonStatus } from '../../cli/push-sandbox/reasons.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { deviceToken, Provider, providerToken, topic, type Answer } from './provider.ts';

let clock: FakeClock;
let sandbox: PushSandbox;
let provider: Provider;
beforeEach(async () => {
  clock = new FakeClock();
  sandbox = await startPushSandbox({ clock });
  provider = new Provider(sandbox, providerToken(sandbox, clock.now()));
});
afterEach(async () => {
  provider.close();
  await sandbox.close();
});

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);

/** Several pushes one after the other. */
async function inTurn(count: number): Promise<number[]> {
  const answers: Answer[] = [];
  for (let number = 1; number <= count; number++) answers.push(await provider.push());
  return statuses(answers);
}

describe('a rule of the script', () => {
  it('[PSB9] is for every push, until it is taken out', async () => {
    sandbox.script({ then: { do: 'refuse', reason: 'InternalServerError' } });
    expect(await inTurn(2)).toEqual([500, 500]);
    sandbox.unscript();
    expect(await inTurn(1)).toEqual([200]);
  });

  it('[PSB9] is for the nth push from now on', async () => {
    await provider.push();
    const rule = sandbox.script({ when: { nth: 3 }, then: { do: 'refuse', reason: 'ServiceUnavailable' } });
    expect(await inTurn(5)).toEqual([200, 200, 503, 200, 200]);
    expect(rule).toMatchObject({ matched: 5, applied: 1 });
  });

  it('[PSB9] is for so many pushes', async () => {
    sandbox.script({ when: { times: 2 }, then: { do: 'refuse', reason: 'Shutdown' } });
    sandbox.script({ when: { nth: 4, times: 2 }, then: { do: 'refuse', reason: 'InternalServerError' } });
    expect(await inTurn(6)).toEqual([503, 503, 200, 500, 500, 200]);
  });

  it('[PSB9] is for one device token, app or push type', async () => {
    const refuse = { do: 'refuse', reason: 'Forbidden' } as const;
    const background = { 'apns-push-type': 'background', 'apns-priority': '5' };
    const sent = [
      { token: deviceToken(0xabc).replace('abc', 'aBc') },
      { headers: background },
      { token: deviceToken(3), headers: { 'apns-topic': 'com.example.other' } },
      {},
    ];
    const whens = [{ token: deviceToken(0xabc).toUpperCase() }, { pushType: 'background' }, { topic: 'com.example.other' }];
    for (const [index, when] of whens.entries()) {
      const { id } = sandbox.script({ when, then: refuse });
      const answers: Answer[] = [];
      for (const push of sent) answers.push(await provider.push(push));
      expect(statuses(answers)).toEqual(sent.map((_push, at) => (at === index ? 403 : 200)));
      sandbox.unscript(id);
    }
  });

  it('[PSB9] that was given first decides', async () => {
    sandbox.script({ when: { nth: 2 }, then: { do: 'refuse', reason: 'Shutdown' } });
    sandbox.script({ when: { topic }, then: { do: 'refuse', reason: 'InternalServerError' } });
    expect(await inTurn(3)).toEqual([500, 503, 500]);
  });

  it("[PSB9] does not see what Apple's rules refuse", async () => {
    sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'Shutdown' } });
    expect(await provider.push({ body: '' })).toMatchObject({ reason: 'PayloadEmpty' });
    expect(await provider.push()).toMatchObject({ reason: 'Shutdown' });
  });

  it.each<[string, unknown]>([
    ['an unknown action', { then: { do: 'explode' } }],
    ['an unknown field', { when: { tokn: 'x' }, then: { do: 'accept' } }],
    ['a count of 0', { when: { nth: 0 }, then: { do: 'accept' } }],
    ["a reason that is none of Apple's, without a status", { then: { do: 'refuse', reason: 'Bored' } }],
    ['a status that is no refusal', { then: { do: 'refuse', reason: 'Shutdown', status: 200 } }],
  ])('[PSB9] with %s is none', (_what, rule) => {
    expect(() => sandbox.script(rule as ScriptedRule)).toThrow();
  });
});

describe('a scripted refusal', () => {
  it.each(Object.entries(reasonStatus))('[PSB10] %s has the status that Apple documents, %i', async (reason, status) => {
    sandbox.script({ then: { do: 'refuse', reason } });
    const answer = await provider.push();
    expect(answer).toMatchObject({ status, reason });
    expect(answer.timestamp).toBe(status === 410 ? clock.now() : undefined);
    expect(sandbox.device(deviceToken(1)).received).toBe(0);
  });

  it('[PSB10] may have any status, reason, Retry-After and timestamp', async () => {
    sandbox.script({ when: { nth: 1 }, then: { do: 'refuse', reason: 'Bored', status: 418, retryAfter: 7 } });
    sandbox.script({
      when: { nth: 2 },
      then: { do: 'refuse', reason: 'Unregistered', timestamp: 42, retryAfter: 'Wed, 21 Oct 2015 07:28:00 GMT' },
    });
    expect(await provider.push()).toMatchObject({ status: 418, reason: 'Bored', headers: { 'retry-after': '7' } });
    const second = await provider.push();
    expect(second).toMatchObject({ status: 410, timestamp: 42, headers: { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' } });
  });
});

describe('what goes wrong otherwise', () => {
  it('[PSB10] a late answer comes when its time has passed, and others do not wait for it', async () => {
    sandbox.script({ when: { token: deviceToken(1) }, then: { do: 'accept', delayMs: 5000 } });
    let late: Answer | undefined;
    const answer = provider.push().then((got) => (late = got));
    await eventually(() => sandbox.pushes().length === 1);
    expect(await provider.push({ token: deviceToken(2) })).toMatchObject({ status: 200 });
    clock.advance(4999);
    expect(await provider.push({ token: deviceToken(2) })).toMatchObject({ status: 200 });
    expect(late).toBeUndefined();
    expect(sandbox.device(deviceToken(1)).received).toBe(0);
    clock.advance(1);
    expect(await answer).toMatchObject({ status: 200 });
    expect(sandbox.device(deviceToken(1)).received).toBe(1);
  });

  it.each([true, false])('[PSB11] a reset ends one stream; that the phone got the push is %s', async (taken) => {
    sandbox.script({ when: { token: deviceToken(1) }, then: { do: 'reset', taken } });
    const [reset, other] = await Promise.all([provider.push(), provider.push({ token: deviceToken(2) })]);
    expect(reset).toMatchObject({ status: 0, error: expect.stringContaining('INTERNAL_ERROR') });
    expect(other).toMatchObject({ status: 200 });
    expect(sandbox.device(deviceToken(1)).received).toBe(taken ? 1 : 0);
  });

  it.each([true, false])('[PSB11] silence is no answer, and the connection goes on; that the phone got the push is %s', async (taken) => {
    sandbox.script({ when: { nth: 1 }, then: { do: 'silence', taken } });
    let answered = false;
    void provider.push().then(() => (answered = true));
    await eventually(() => sandbox.pushes()[0]?.outcome.kind === 'broken');
    expect(await provider.push({ token: deviceToken(2) })).toMatchObject({ status: 200 });
    expect(answered).toBe(false);
    expect(sandbox.device(deviceToken(1)).received).toBe(taken ? 1 : 0);
  });

  it.each([true, false])(
    '[PSB11] a cut breaks the connection, after what was answered and before all else; that the phone got it is %s',
    async (taken) => {
      await provider.push();
      sandbox.script({ when: { nth: 3 }, then: { do: 'cut', taken } });
      // The last one would be refused, if it were looked at.
      const answers = await Promise.all(
        [1, 2, 3, 4, 5].map((number) => provider.push({ token: deviceToken(number), ...(number === 5 ? { body: '' } : {}) })),
      );
      expect(statuses(answers)).toEqual([200, 200, 0, 0, 0]);
      await eventually(() => sandbox.connections().length === 0);
      const { body: _body, ...cut } = sandbox.pushes().at(-3) ?? { body: '' };
      expect(cut).toMatchObject({ outcome: { kind: 'broken', how: 'cut', taken } });
      expect(sandbox.pushes().map(({ outcome }) => outcome.kind)).toEqual(['accepted', 'accepted', 'accepted', 'broken', 'gone', 'gone']);
      const received = [2, 3, 4, 5].map((number) => sandbox.device(deviceToken(number)).received);
      expect(received).toEqual([1, taken ? 1 : 0, 0, 0]);
    },
  );

  it('[PSB11] a client that gives up before it is answered is not answered, and its phone shows nothing', async () => {
    sandbox.script({ then: { do: 'accept', delayMs: 1000 } });
    const answer = provider.push();
    await eventually(() => sandbox.pushes()[0]?.body !== '' && sandbox.pushes().length === 1);
    provider.close();
    expect(await answer).toMatchObject({ status: 0 });
    await eventually(() => sandbox.pushes()[0]?.outcome.kind === 'gone');
    clock.advance(1000);
    expect(sandbox.device(deviceToken(1)).received).toBe(0);
  });
});
