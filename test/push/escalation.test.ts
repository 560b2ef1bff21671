import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EventLog } from '../../server/events/event-log.ts';
import { makeLogger } from '../../server/platform/logger.ts';
import { escalationOf, Escalations, type PushedRequest } from '../../server/push/escalation.ts';
import { listener } from '../../server/push/devices/preferences.ts';
import { openDatabase } from '../../server/storage/database.ts';
import type { DeviceRow } from '../../server/storage/devices-table.ts';
import { openStore } from '../../server/storage/store.ts';
import { eventually } from '../support/eventually.ts';
import { FakeClock } from '../support/fake-clock.ts';

const SECOND = 1_000;

/** A store with one owner's session and devices, and an outbox that remembers what it was told to send. */
function bench() {
  const clock = new FakeClock();
  const db = openDatabase(':memory:');
  onTestFinished(() => void db.close());
  const store = openStore(db);
  const logger = makeLogger('silent');
  const log = new EventLog({ store, clock, logger });
  const given = { owner: 'me', name: 'n', agent: 'echo', project_path: '/p', mode: 'ask', model: null, labels: '[]' };
  const session = store.sessions.insert({ ...given, id: randomUUID(), created_at: clock.now() });
  const device = (id: string, preferences: object = {}, owner = 'me'): DeviceRow =>
    store.devices.insert({
      ...{ id, owner, token: id, platform: 'ios', environment: 'sandbox', topic: null, app_version: null, name: id },
      ...{ preferences: JSON.stringify(preferences), created_at: 0, registered_at: 0 },
    });
  const asked = new Map<string, PushedRequest>();
  const sent: string[] = [];
  const outbox = {
    failing: false,
    refused: '',
    about: ({ id }: { id: string }): PushedRequest => asked.get(id) ?? { pushedTo: new Set(), acknowledged: false },
    escalate: ({ id }: { id: string }, to: readonly DeviceRow[]): void => {
      if (outbox.failing || outbox.refused === id) throw new Error('the outbox is out of order');
      for (const each of to) sent.push(`${id} to ${each.id}`);
    },
  };
  const ask = (id: string, pushed: Partial<PushedRequest> = {}): void => {
    asked.set(id, { pushedTo: new Set(), acknowledged: false, ...pushed });
    const event = { questionId: id, questions: [], expiresAt: null, inputHash: '0'.repeat(64) };
    log.transact((append) => {
      store.requests.insert({
        ...{ id, session_num: session.num, incarnation_id: 'i', turn_id: null, agent_request_id: id, kind: 'question' },
        ...{ asked: JSON.stringify(event), asked_at: clock.now(), risk: null, input_hash: event.inputHash, expires_at: null },
      });
      append(session, [{ channel: 'agent', kind: 'question.asked', data: event }]);
    });
  };
  const start = (afterMs = 60 * SECOND): Escalations => {
    const escalations = new Escalations({ store, log, clock, logger, outbox, afterMs });
    escalations.start();
    return escalations;
  };
  return { clock, store, session, device, ask, asked, sent, outbox, start };
}

describe('escalation', () => {
  it('[DV40] what nobody reacted to for so long goes to the devices that were left out, once', () => {
    const { clock, device, ask, sent, start } = bench();
    const [phone, mac] = [device('phone'), device('mac')];
    device('theirs', {}, 'you');
    start();
    ask('q', { pushedTo: new Set([phone.num]) });
    clock.advance(60 * SECOND - 1);
    expect(sent).toEqual([]);
    clock.advance(1);
    expect(sent).toEqual([`q to ${mac.id}`]);
    clock.advance(3_600 * SECOND);
    expect(sent).toHaveLength(1);
  });

  it('[DV41] a receipt, or a decision, ends it', () => {
    const { clock, store, device, ask, sent, start } = bench();
    device('mac');
    start();
    ask('received', { acknowledged: true });
    ask('decided');
    store.requests.decide('decided', 'answered', 'me', clock.now());
    clock.advance(3_600 * SECOND);
    expect(sent).toEqual([]);
  });

  it('[DV42] it does not go against what the owner wants of a device or of the session', () => {
    const { clock, store, session, device, ask, sent, start } = bench();
    const hours = { from: '00:00', to: '23:59', timeZone: 'UTC' };
    device('none', { level: 'none' });
    device('muted', { mutedUntil: clock.now() + 3_600 * SECOND });
    device('asleep', { quietHours: { ...hours, allowTimeSensitive: false } });
    device('light sleep', { quietHours: { ...hours, allowTimeSensitive: true } });
    device('needs me', { level: 'needs-me' });
    store.devices.setSession(device('not this one').num, session.num, 'none', null);
    start();
    ask('q');
    clock.advance(60 * SECOND);
    expect(sent).toEqual(['q to light sleep', 'q to needs me']);
  });

  it('[DV43] a restart forgets nothing: what came due meanwhile goes out at once, what did not waits for the rest of its time', () => {
    const { clock, device, ask, sent, start } = bench();
    device('mac');
    const first = start();
    ask('early');
    clock.advance(40 * SECOND);
    ask('late');
    first.stop();
    clock.advance(30 * SECOND);
    expect(sent).toEqual([]);
    const second = start();
    expect(sent).toEqual(['early to mac']);
    clock.advance(30 * SECOND);
    expect(sent).toEqual(['early to mac', 'late to mac']);
    second.stop();
    start();
    clock.advance(3_600 * SECOND);
    expect(sent).toHaveLength(2);
  });

  it('[DV43] what the outbox did not take is tried again', () => {
    const { clock, device, ask, sent, outbox, start } = bench();
    device('mac');
    start();
    outbox.failing = true;
    ask('q');
    clock.advance(60 * SECOND);
    expect(sent).toEqual([]);
    outbox.failing = false;
    clock.advance(60 * SECOND);
    expect(sent).toEqual(['q to mac']);
  });

  it('[DV43] what fails for one request holds up no other', () => {
    const { clock, device, ask, sent, outbox, start } = bench();
    device('mac');
    start();
    outbox.refused = 'bad';
    ask('bad');
    ask('good');
    clock.advance(60 * SECOND);
    expect(sent).toEqual(['good to mac']);
    ask('later');
    clock.advance(60 * SECOND);
    outbox.refused = '';
    clock.advance(60 * SECOND);
    expect(sent).toEqual(['good to mac', 'later to mac', 'bad to mac']);
  });

  it('[DV45] many devices are looked at in parts, with turns of the event loop between them, and a decision in the middle ends it', async () => {
    const { clock, store, device, ask, sent, start } = bench();
    for (let count = 0; count < 600; count++) device(`d${count}`);
    start();
    ask('q');
    clock.advance(60 * SECOND);
    expect(sent).toHaveLength(250);
    await eventually(() => sent.length === 600);
    expect(new Set(sent).size).toBe(600);
    expect(store.escalations.waiting()).toEqual([]);
    ask('decided');
    clock.advance(60 * SECOND);
    store.requests.decide('decided', 'answered', 'me', clock.now());
    ask('another');
    await eventually(() => sent.length === 850);
    clock.advance(59 * SECOND);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toHaveLength(850);
    clock.advance(SECOND);
    await eventually(() => sent.length === 850 + 600);
  });

  it('[DV46] a clock that is set back makes none wait for longer than a minute and its time', () => {
    const { clock, device, ask, sent, start } = bench();
    device('mac');
    start();
    ask('q');
    clock.setWall(clock.now() - 24 * 3_600 * SECOND);
    ask('r');
    clock.advance(60 * SECOND);
    expect(sent).toEqual(['r to mac', 'q to mac']);
    expect(sent).toHaveLength(2);
  });

  it('[DV44] PUSH_ESCALATE_SECONDS=0 switches it off', () => {
    const { clock, device, ask, sent, start } = bench();
    device('mac');
    start(0);
    ask('q');
    clock.advance(86_400 * SECOND);
    expect(sent).toEqual([]);
  });

  it('[DV40] decides by what it is given alone', () => {
    const { device } = bench();
    const [phone, mac] = [device('phone'), device('mac')];
    const all = [listener(phone), listener(mac)];
    const decide = (pushed: Partial<PushedRequest>, now: number): unknown =>
      escalationOf(1_000, { pushedTo: new Set(), acknowledged: false, ...pushed }, all, { now, afterMs: 500 });
    expect(decide({}, 1_499)).toEqual({ is: 'waiting', until: 1_500 });
    expect(decide({}, 1_500)).toEqual({ is: 'escalated', to: [phone, mac] });
    expect(decide({ pushedTo: new Set([phone.num]) }, 1_500)).toEqual({ is: 'escalated', to: [mac] });
    expect(decide({ pushedTo: new Set([phone.num, mac.num]) }, 9_999)).toEqual({ is: 'nobody-left' });
    expect(decide({ acknowledged: true }, 9_999)).toEqual({ is: 'acknowledged' });
  });
});
