import { describe, expect, it } from 'vitest';
import { fitBytes, jsonBytes } from '../../server/push/rules/fit.ts';
import type { Notification } from '../../server/push/rules/notification.ts';
import { alertPayload, silentPayload } from '../../server/push/rules/payload.ts';

const family = '👨‍👩‍👧‍👦';
const note = (change: Partial<Notification> = {}): Notification => ({
  ...{ kind: 'turn.completed', subject: 'turn:1', title: 'A project', body: 'Done.', level: 'active', relevance: 0.5, keepMs: 1_000 },
  fields: { projectPath: '/projects/one', sessionId: 'b7f5a0aa-0000-4000-8000-000000000001', messageId: 'm' },
  ...change,
});
const payload = (change: Partial<Notification>): Record<string, unknown> => {
  const json = alertPayload(note(change), 'id');
  expect(Buffer.byteLength(json)).toBeLessThanOrEqual(4_096);
  return JSON.parse(json) as Record<string, unknown>;
};

describe('what fits into a push', () => {
  it('[PU40] a text is cut between characters as people see them', () => {
    for (let most = 30; most < 130; most += 1) {
      const cut = fitBytes(family.repeat(20), most);
      expect(jsonBytes(cut)).toBeLessThanOrEqual(most);
      expect(cut.slice(0, -1).replaceAll(family, '')).toBe('');
    }
    expect(fitBytes('é'.normalize('NFD').repeat(10), 11).slice(0, -1)).toBe('é'.normalize('NFD').repeat(2));
  });

  it('[PU40] a single character that is too long is cut between code points, and no half one is left', () => {
    const zalgo = `e${'\u0301'.repeat(5_000)}`;
    expect(fitBytes(zalgo, 100)).toMatch(/^e\u0301+…$/u);
    for (const text of ['\ud83d'.repeat(50), `${'a'.repeat(40)}\ud83d`]) expect(fitBytes(text, 20).isWellFormed()).toBe(true);
  });

  it('[PU40] bytes are counted as they are in JSON', () => {
    for (const text of ['a\n'.repeat(100), '"'.repeat(100), '\u0001'.repeat(100), 'ä'.repeat(100), '😀'.repeat(100)]) {
      const cut = fitBytes(text, 80);
      expect(jsonBytes(cut)).toBeLessThanOrEqual(80);
      expect(jsonBytes(cut)).toBeGreaterThan(60);
    }
  });

  it('[PU41] a message is whole to the last byte that fits, and a preview from the next one on', () => {
    const room = 4_096 - Buffer.byteLength(alertPayload(note({ text: '' }), 'id'));
    const whole = 'x'.repeat(room);
    expect(Buffer.byteLength(alertPayload(note({ text: whole }), 'id'))).toBe(4_096);
    expect(payload({ text: whole })).toMatchObject({ message: whole });
    const more = payload({ text: `${whole}x` });
    expect(more).toMatchObject({ requiresFetch: true, messageId: 'm' });
    expect(more).not.toHaveProperty('message');
    expect(String(more['preview']).length).toBeGreaterThan(1_000);
  });

  it('[PU41] whatever the texts are, the payload fits and says so where something is missing', () => {
    for (const piece of ['😀', family, '\u0000', '"\\', 'ä', 'x ', '\ud800', 'e\u0301']) {
      for (const length of [10, 500, 3_000, 50_000]) {
        const text = piece.repeat(Math.ceil(length / piece.length));
        const options = Array.from({ length: 20 }, (_, index) => ({ id: String(index), label: text }));
        const made = payload({
          title: text,
          subtitle: text,
          body: text,
          text,
          fields: { ...note().fields, tool: text, options, detail: text },
        });
        if (length > 1_000) expect(made).toHaveProperty('requiresFetch', true);
        expect(made).toMatchObject({ sessionId: note().fields['sessionId'], messageId: 'm' });
        expect(JSON.stringify(made).isWellFormed()).toBe(true);
      }
    }
    expect(payload({ fields: { ...note().fields, projectPath: `/${'ä'.repeat(3_000)}` } })).not.toHaveProperty('projectPath');
  });

  it('[PU35] no text of a push holds a secret: title, body, message, preview or what is asked', () => {
    const secret = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
    const texts = { title: secret, subtitle: secret, body: secret, text: secret };
    const fields = { ...note().fields, choices: [secret], options: [{ id: 'a', label: secret }] };
    expect(alertPayload(note({ ...texts, fields }), 'id')).not.toContain(secret);
    // A cut never leaves the beginning of one.
    for (let before = 3_000; before < 3_100; before += 7) {
      expect(alertPayload(note({ text: `${'x'.repeat(before)} ${secret} ${'y'.repeat(2_000)}` }), 'id')).not.toContain('ghp_');
    }
  });

  it('[PU5] a silent push carries the session and its newest seq, and nothing to show', () => {
    expect(JSON.parse(silentPayload('s', 7, 'p'))).toEqual({ aps: { 'content-available': 1 }, pushId: 'p', sessionId: 's', headSeq: 7 });
  });
});
