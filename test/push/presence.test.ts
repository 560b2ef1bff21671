import { describe, expect, it } from 'vitest';
import { Presence, PROOF_MS } from '../../server/push/devices/presence.ts';
import { Pulse, type PresenceFeed } from '../../server/socket/pulse.ts';
import { FakeClock } from '../support/fake-clock.ts';

function stage() {
  const clock = new FakeClock();
  const presence = new Presence(clock);
  presence.identify('socket', 'phone');
  presence.focus('socket', 's1');
  return { clock, presence, showing: (session = 's1'): string[] => [...presence.showing(session)] };
}

describe('presence', () => {
  it('[DV30] a device shows the session that its socket says, and no other', () => {
    const { presence, showing } = stage();
    expect([showing(), showing('s2'), presence.shownBy('phone'), presence.shownBy('mac')]).toEqual([['phone'], [], 's1', null]);
    presence.focus('socket', 's2');
    expect([showing(), showing('s2')]).toEqual([[], ['phone']]);
    presence.focus('socket', null);
    expect([showing(), showing('s2'), presence.shownBy('phone')]).toEqual([[], [], null]);
  });

  it('[DV30] a socket that did not say which device it is proves nothing', () => {
    const { presence, showing } = stage();
    presence.focus('browser', 's1');
    expect(showing()).toEqual(['phone']);
  });

  it('[DV31] without a sign of life for 15 seconds it counts as gone, though its socket never closed', () => {
    const { clock, presence, showing } = stage();
    clock.advance(PROOF_MS);
    expect(showing()).toEqual(['phone']);
    clock.advance(1);
    expect([showing(), presence.shownBy('phone')]).toEqual([[], null]);
    presence.alive('socket');
    expect(showing()).toEqual(['phone']);
  });

  it('[DV31] a closed socket ends it at once; another one of the same device goes on', () => {
    const { presence, showing } = stage();
    presence.identify('second', 'phone');
    presence.focus('second', 's1');
    presence.gone('socket');
    expect(showing()).toEqual(['phone']);
    presence.gone('second');
    presence.alive('second');
    expect(showing()).toEqual([]);
  });

  it('[DV32] a clock that is set forward, or a machine that slept, suppresses nothing', () => {
    const { clock, showing } = stage();
    clock.setWall(clock.now() + PROOF_MS + 1);
    expect(showing()).toEqual([]);
    const back = stage();
    back.clock.setWall(back.clock.now() - 86_400_000);
    expect(back.showing()).toEqual(['phone']);
    back.clock.advance(PROOF_MS + 1);
    expect(back.showing()).toEqual([]);
  });

  it('[DV33] a sign of life from before a moment is no proof of having been there since', () => {
    const { clock, presence } = stage();
    const event = clock.now();
    const proved = (device = 'phone', session = 's1'): boolean => presence.provedSince(device, session, event);
    expect(proved()).toBe(false);
    clock.advance(1_000);
    expect(proved()).toBe(false);
    presence.alive('socket');
    expect([proved(), proved('mac'), proved('phone', 's2')]).toEqual([true, false, false]);
  });

  it('[DV33] one that has left a session since was there until its last sign of life', () => {
    for (const leave of ['focus', 'gone'] as const) {
      const { clock, presence } = stage();
      const event = clock.now();
      clock.advance(1_000);
      presence.alive('socket');
      if (leave === 'focus') presence.focus('socket', 's2');
      else presence.gone('socket');
      clock.advance(5_000);
      if (leave === 'focus') presence.alive('socket');
      expect([event, event + 1_000].map((since) => presence.provedSince('phone', 's1', since))).toEqual([true, false]);
    }
  });

  it('[DV34] a socket is asked for signs of life every 5 seconds only while it is that of a device that shows a session', () => {
    const clock = new FakeClock();
    const presence = new Presence(clock);
    let asked = 0;
    const feed: PresenceFeed = {
      identify: (connectionId, _owner, deviceId) => presence.identify(connectionId, deviceId),
      focus: (connectionId, sessionId) => presence.focus(connectionId, sessionId),
      alive: (connectionId) => presence.alive(connectionId),
      gone: (connectionId) => presence.gone(connectionId),
    };
    const pulse = new Pulse({ presence: feed, clock }, { id: 'socket', owner: 'owner', ask: () => (asked += 1) });
    const during = (milliseconds: number): number => {
      const before = asked;
      for (let passed = 0; passed < milliseconds; passed += 1_000) clock.advance(1_000);
      return asked - before;
    };
    expect(during(60_000)).toBe(0);
    pulse.focus('s1');
    expect(during(60_000)).toBe(0);
    pulse.identify('phone');
    pulse.focus('s1');
    expect(during(60_000)).toBe(12);
    expect([...presence.showing('s1')]).toEqual([]);
    pulse.felt();
    expect([...presence.showing('s1')]).toEqual(['phone']);
    pulse.focus(null);
    expect(during(60_000)).toBe(0);
    pulse.focus('s1');
    pulse.stop();
    expect([during(60_000), presence.shownBy('phone')]).toEqual([0, null]);
  });
});
