import { describe, expect, it } from 'vitest';
import { RecapFacts } from '../../../server/contracts/recap.ts';
import { isoTime } from '../../../server/platform/clock.ts';
import type { TellingEvent } from '../../../server/sessions/recap/recap.ts';
import { RecapFold } from '../../../server/sessions/recap/recap.ts';
import { recapText } from '../../../server/sessions/recap/recap-text.ts';
import { firstLines, oneLine, shorten } from '../../../server/sessions/shorten.ts';
import { seeded } from '../../agents/fuzz.ts';
import { randomLog } from '../../support/random-log.ts';
import { START, ToldLog } from '../../support/told-log.ts';

function told(log: ToldLog, from = 0, start = 0): RecapFacts {
  const fold = new RecapFold(from, start);
  for (const event of log.events) fold.take(event);
  return fold.facts();
}

const text = (facts: RecapFacts): string => recapText(facts, '/p');

describe('the facts of a recap', () => {
  const log = new ToldLog()
    .asks('one', 'Fix the login test\nplease')
    .starts('one')
    .uses('one', 'r', 'Read', { file_path: '/p/src/login.ts' })
    .used('one', 'r', true, 'export')
    .uses('one', 'e1', 'Edit', { file_path: '/p/src/login.ts' })
    .used('one', 'e1', true)
    .uses('one', 'e2', 'MultiEdit', { file_path: '/p/src/login.ts' })
    .used('one', 'e2', true)
    .uses('one', 'w', 'Write', { file_path: '/p/src/no.ts' })
    .used('one', 'w', false, 'read-only')
    .uses('one', 'n', 'NotebookEdit', { notebook_path: '/elsewhere/a.ipynb' })
    .used('one', 'n', true)
    .uses('one', 'b1', 'Bash', { command: 'npm test' })
    .used('one', 'b1', false, 'running\n1 failed\n')
    .uses('one', 'b2', 'Bash', { command: 'npm test' })
    .used('one', 'b2', true, 'ok')
    .answers('one', 'The race is gone.\n\nAll tests pass.\nThird.\nFourth.', 0.25, 40)
    .asks('two', 'Deploy')
    .starts('two')
    .add('turn.failed', { code: 'overloaded', detail: 'The model is busy.' }, 'two');

  it('[RC1] are what was asked, answered, changed, run and failed', () => {
    const facts = told(log);
    expect(RecapFacts.safeParse({ ...facts, asked: [], done: [], failed: [] }).error).toBeUndefined();
    expect(facts).toMatchObject({
      since: isoTime(START + 1_000),
      until: isoTime(START + log.head * 1_000),
      counts: { asked: 2, answered: 1, failed: 1, cancelled: 0, fileChanges: 3, commands: 2, failedCommands: 1 },
      asked: [
        { turnId: 'one', text: 'Fix the login test please' },
        { turnId: 'two', text: 'Deploy' },
      ],
      done: [{ turnId: 'one', asked: 'Fix the login test please', answer: 'The race is gone.\nAll tests pass.\nThird. …' }],
      failed: [{ turnId: 'two', asked: 'Deploy', state: 'failed', code: 'overloaded', detail: 'The model is busy.' }],
      files: [
        { path: '/p/src/login.ts', changes: 2 },
        { path: '/elsewhere/a.ipynb', changes: 1 },
      ],
      commands: [
        { command: 'npm test', outcome: 'failed', output: '1 failed' },
        { command: 'npm test', outcome: 'ok' },
      ],
      ...{ waiting: [], running: null, queued: 0, exits: [] },
    });
  });

  it('[RC1] are a text with the project folder left out of its paths', () => {
    expect(text(told(log))).toBe(
      [
        '2026-01-05 10:00 to 2026-01-05 10:00 UTC: 2 asked, 1 answered, 1 failed; 3 changes of files, 2 commands, 1 of them failed; $0.25, 0 tokens in, 40 out.',
        'Failed:\n- "Deploy" – overloaded: The model is busy.',
        'Done:\n- "Fix the login test please" – The race is gone. All tests pass. Third. …',
        'Files changed:\n- src/login.ts (2 times)\n- /elsewhere/a.ipynb',
        'Commands:\n- npm test (failed: 1 failed)\n- npm test',
      ].join('\n\n'),
    );
    expect(text(told(new ToldLog()))).toBe('Nothing has happened.');
  });

  it('[RC2] begin after the cursor; what was open there is told with what it was about', () => {
    const cut = new ToldLog()
      .asks('old', 'Earlier')
      .starts('old')
      .answers('old', 'Long ago', 1, 10)
      .asks('turn', 'Add a page')
      .starts('turn')
      .uses('turn', 'w', 'Write', { file_path: '/p/page.ts' });
    const from = cut.head;
    cut.used('turn', 'w', true).answers('turn', 'There it is.', 0.5, 20);
    const facts = told(cut, from);
    expect(facts.counts).toMatchObject({ asked: 0, answered: 1, fileChanges: 1 });
    expect(facts.asked).toEqual([]);
    expect(facts.done).toMatchObject([{ turnId: 'turn', asked: 'Add a page', answer: 'There it is.' }]);
    expect(facts.files).toMatchObject([{ path: '/p/page.ts', changes: 1 }]);
    expect(facts).toMatchObject({ costUsd: 0.5, usage: { outputTokens: 20 }, since: isoTime(START + (from + 1) * 1_000) });
    expect(text(told(cut, cut.head))).toBe('Nothing has happened.');
  });

  it('[RC3] name all that waits for its owner, whenever it was asked, and nothing that was settled', () => {
    const waits = new ToldLog()
      .asks('turn', 'Clean up')
      .starts('turn')
      .approval('turn', 'a1', 'Bash', { command: 'rm -rf build' })
      .approval('turn', 'a2', 'Bash', { command: 'rm -rf dist' })
      .question('turn', 'q', 'Which one?');
    const from = waits.head;
    waits.add('approval.resolved', { approvalId: 'a2', decision: 'allow', by: 'me' }, 'turn');
    const facts = told(waits, from);
    expect(facts.waiting).toMatchObject([
      { kind: 'approval', id: 'a1', title: 'Bash: rm -rf build' },
      { kind: 'question', id: 'q', title: 'Which one?' },
    ]);
    expect(facts.running).toMatchObject({ turnId: 'turn', state: 'waiting', asked: 'Clean up' });
    expect(text(facts)).toContain('Waiting for you:\n- approval: Bash: rm -rf build\n- question: Which one?');
    for (const ended of ['turn.cancelled', 'turn.resumed', 'session.exited'] as const) {
      const settled = new ToldLog();
      settled.events.push(...waits.events);
      if (ended === 'session.exited') settled.add(ended, { reason: 'crashed', exitCode: null, signal: null });
      else settled.add(ended, {}, 'turn');
      expect(told(settled).waiting, ended).toEqual([]);
    }
  });

  it('[RC4] name the turn that runs, with its newest tool, and how many wait behind it', () => {
    const runs = new ToldLog().asks('one', 'First').asks('two', 'Second').starts('one').uses('one', 'b', 'Bash', { command: 'sleep 60' });
    expect(told(runs)).toMatchObject({
      running: { turnId: 'one', state: 'running', asked: 'First', tool: 'Bash: sleep 60' },
      queued: 1,
      commands: [],
      counts: { commands: 0 },
    });
    expect(text(told(runs))).toContain('Running now: First (since 2026-01-05 10:00 UTC, now Bash: sleep 60)');
    // A process that ended before it took the message: the message waits again.
    runs.add('session.exited', { reason: 'crashed', exitCode: 1, signal: null });
    expect(told(runs)).toMatchObject({ running: null, queued: 2, exits: [{ reason: 'crashed' }] });
  });

  it('[RC5] tell a refused command from a failed one, and one that was cut off from both', () => {
    const refused = new ToldLog()
      .asks('turn', 'Clean')
      .starts('turn')
      .uses('turn', 'b', 'Bash', { command: 'rm -rf /' })
      .approval('turn', 'a', 'Bash', { command: 'rm -rf /' })
      .add('approval.resolved', { approvalId: 'a', decision: 'deny', by: 'me' }, 'turn')
      .used('turn', 'b', false, 'The owner denied this.')
      .uses('turn', 'c', 'Bash', { command: 'make' })
      .add('turn.cancelled', {}, 'turn');
    expect(told(refused)).toMatchObject({
      counts: { commands: 1, failedCommands: 0, cancelled: 1 },
      commands: [
        { command: 'rm -rf /', outcome: 'refused' },
        { command: 'make', outcome: 'unfinished' },
      ],
    });
  });

  it('[RC6] count what a turn used once, also where it failed, and what the agent did by itself', () => {
    const usage = { inputTokens: 5, outputTokens: 3, cacheReadTokens: 2, cacheWriteTokens: 1 };
    const spent = new ToldLog()
      .asks('one', 'a')
      .starts('one')
      .add('usage', { usage, costUsd: 0.1 }, 'one')
      .add('turn.completed', { text: '', usage, costUsd: 0.1, durationMs: 1, firstTokenMs: 1 }, 'one')
      .asks('two', 'b')
      .starts('two')
      .add('usage', { usage, costUsd: 0.2 }, 'two')
      .add('turn.failed', { code: 'x', detail: '' }, 'two')
      .add('usage', { usage, costUsd: null });
    expect(told(spent)).toMatchObject({
      costUsd: 0.3,
      usage: { inputTokens: 15, outputTokens: 9, cacheReadTokens: 6, cacheWriteTokens: 3 },
    });
  });

  const seeds = Array.from({ length: 40 }, (_, index) => index + 1);

  it.each(seeds)('[RC7] are bounded however long the log is, and so is their text (seed %i)', (seed) => {
    const random = seeded(seed);
    const facts = told(randomLog(random, seed === 1 ? 50_000 : 2_000));
    expect(JSON.stringify(facts).length).toBeLessThan(100_000);
    for (const max of [4_000, 300, 80]) {
      const shown = recapText(facts, '/p', max);
      expect(shown.length).toBeLessThanOrEqual(max);
      expect(shown.isWellFormed()).toBe(true);
    }
  });

  it('[RC7] are bounded where every turn leaves something open, and lists keep the newest', () => {
    const endless = new ToldLog();
    for (let turn = 0; turn < 12_000; turn++) {
      const id = `turn-${turn}`;
      endless
        .asks(id, `Message ${turn}`)
        .starts(id)
        .uses(id, `w${turn}`, 'Write', { file_path: `/p/${turn}` })
        .used(id, `w${turn}`, true);
      endless.uses(id, `b${turn}`, 'Bash', { command: `run ${turn}` }).approval(id, `a${turn}`, 'Bash', { command: `run ${turn}` });
    }
    const facts = told(endless);
    expect(facts.counts).toMatchObject({ asked: 12_000, fileChanges: 12_000 });
    expect([facts.asked.length, facts.files.length, facts.waiting.length, facts.queued]).toEqual([20, 50, 50, 10_000]);
    expect(facts.files.at(-1)?.path).toBe('/p/11999');
    expect(facts.waiting.at(-1)?.id).toBe('a11999');
  });

  it.each(seeds)('[RC8] each come from an event, and counts are those of the events (seed %i)', (seed) => {
    const random = seeded(seed);
    const log = randomLog(random, 400);
    const from = Math.floor(random() * 400);
    const facts = told(log, from);
    const said = log.events.map((event) => ({ event, all: flat(JSON.stringify(event.data)) }));
    const times = new Set(log.events.map(({ at }) => isoTime(at)));
    const comesFrom = (words: string | undefined, matches: (event: TellingEvent) => boolean): boolean =>
      words === undefined || said.some(({ event, all }) => matches(event) && all.includes(flat(JSON.stringify(bare(words)).slice(1, -1))));
    const after = (kinds: string[]) => (event: TellingEvent) => kinds.includes(event.kind) && event.seq > from;
    for (const { text: asked } of facts.asked) expect(comesFrom(asked, after(['turn.accepted']))).toBe(true);
    for (const { asked, answer } of facts.done) {
      for (const line of answer.split('\n')) expect(comesFrom(line, after(['turn.completed']))).toBe(true);
      expect(comesFrom(asked, ({ kind }) => kind === 'turn.accepted')).toBe(true);
    }
    for (const { detail } of facts.failed.filter(({ state }) => state === 'failed')) {
      expect(comesFrom(detail, after(['turn.failed']))).toBe(true);
    }
    for (const { path } of facts.files) expect(comesFrom(path, ({ kind }) => kind === 'tool.started')).toBe(true);
    for (const { command, output } of facts.commands) {
      expect(comesFrom(command, ({ kind }) => kind === 'tool.started')).toBe(true);
      expect(comesFrom(output, after(['tool.finished']))).toBe(true);
    }
    for (const { title } of facts.waiting) {
      expect(comesFrom(title, ({ kind }) => kind === 'approval.requested' || kind === 'question.asked')).toBe(true);
    }
    for (const [, at] of JSON.stringify(facts).matchAll(/"(?:at|since|until)":"([^"]+)"/g)) expect(times).toContain(at);
    const count = (kind: string): number => log.events.filter((event) => event.seq > from && event.kind === kind).length;
    expect(facts.counts).toMatchObject({
      asked: count('turn.accepted'),
      answered: count('turn.completed'),
      failed: count('turn.failed') + count('turn.interrupted'),
      cancelled: count('turn.cancelled'),
    });
  });

  it.each(seeds.slice(0, 10))('[RC9] are the same read in one go, in pieces, and with pieces read twice (seed %i)', (seed) => {
    const random = seeded(seed);
    const { events } = randomLog(random, 300);
    const [whole, pieces] = [new RecapFold(50, 0), new RecapFold(50, 0)];
    for (const event of events) whole.take(event);
    for (let at = 0; at < events.length;) {
      const next = at + 1 + Math.floor(random() * 40);
      for (const event of events.slice(Math.max(0, at - 20), next)) pieces.take(event);
      pieces.facts();
      at = next;
    }
    expect(pieces.facts()).toEqual(whole.facts());
    expect([pieces.cursor, pieces.told]).toEqual([whole.cursor, whole.told]);
  });
});

describe('a text that was cut', () => {
  it('[RC10] ends between characters as people see them', () => {
    const family = '👩‍👩‍👧';
    expect(shorten(`ab${family}cd`, 100)).toBe(`ab${family}cd`);
    for (let max = 4; max < 11; max++) expect(shorten(`ab${family}cdefgh`, max)).toMatch(/^ab(👩‍👩‍👧c?)?…$/u);
    expect(shorten('e\u0301'.repeat(10), 6)).toBe('e\u0301e\u0301…');
    expect(shorten(`${'x'.repeat(9)}\ud83d\ude00yyy`, 11)).toBe(`${'x'.repeat(9)}…`);
    // One letter with more accents than there is room.
    expect(shorten('e' + '\u0301'.repeat(500), 100).length).toBeLessThanOrEqual(100);
  });

  it('[RC10] is one line without control characters, or its first lines', () => {
    expect(oneLine('  a\u001b[31m\n\tb\u0000 ', 50)).toBe('a [31m b');
    expect(firstLines('\n\n one \n\n two\nthree', 2, 50)).toBe('one\ntwo …');
    expect(oneLine('\ud800a', 50).isWellFormed()).toBe(true);
  });
});

/** Without the differences that shortening makes: white space, and half characters. */
function flat(text: string): string {
  return text.toWellFormed().replaceAll(/\\n|\\ud800|\ufffd|\s+/g, '');
}
function bare(words: string): string {
  return words.replaceAll(/ ?…$/g, '');
}
