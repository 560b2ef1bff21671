import { describe, expect, it } from 'vitest';
import { agents } from '../../config/agents.ts';
import { driverOf } from '../../server/agents/catalogue.ts';
import type { Driver, LaunchRequest } from '../../server/agents/driver.ts';

const request: LaunchRequest = {
  ...{ agentSessionId: '0b9f1c0e-7b62-4b83-8f3e-0f5a4f5d7a11', resume: false, projectPath: '/project', mode: 'ask', model: null },
  ...{ filesPath: '/files', temporaryPath: '/temporary', command: 'agent' },
};
const message = {
  kind: 'message',
  ...{ turnId: '5f3ad9ab-6f0f-4f6c-8a3c-2b8f6f1f0a01', agentMessageId: 'c0a80101-0000-4000-8000-000000000001', text: 'hi', parts: [] },
} as const;

function driver(agent: string): Driver {
  const entry = agents.find((other) => other.agent === agent);
  const found = entry && driverOf(entry);
  if (!found) throw new Error(`There is no driver for ${agent}.`);
  return found;
}

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

describe('effort', () => {
  it('[EF3] claude is started with it, and told it as a setting of its process; null takes it back', () => {
    const claude = driver('claude');
    expect(claude.launch({ ...request, effort: 'high' }).args.join(' ')).toContain('--effort high');
    expect(claude.launch(request).args).not.toContain('--effort');
    const { state } = claude.begin(request);
    for (const effort of ['low', null]) {
      const [line] = parsed(claude.encode({ kind: 'setEffort', effort }, state).lines);
      expect(line).toMatchObject({ request: { subtype: 'apply_flag_settings', settings: { effortLevel: effort } } });
    }
  });

  it('[EF3] codex gets it with its next turn, once, and its own again for null', () => {
    const codex = driver('codex');
    const threads = (effort: string | null, own: string | null = 'minimal') => {
      const ready = codex.decode(
        `{"id":"holdfast-thread","result":{"thread":{"id":"t"},"model":"m","reasoningEffort":${JSON.stringify(own)}}}`,
        codex.begin({ ...request, effort }).state,
      ).state;
      return {
        ready,
        effortOf: (state: unknown) =>
          parsed(codex.encode(message, state).lines).map(({ params }) => (params as { effort?: string }).effort),
      };
    };
    const fresh = threads(null);
    expect(fresh.effortOf(fresh.ready)).toEqual([undefined]);
    expect(fresh.effortOf(codex.encode({ kind: 'setEffort', effort: 'high' }, fresh.ready).state)).toEqual(['high']);
    const set = threads('high');
    expect(set.effortOf(set.ready)).toEqual(['high']);
    const begun = codex.encode(message, set.ready).state;
    const idle = { ...(begun as object), turn: null };
    expect(set.effortOf(idle)).toEqual([undefined]);
    expect(set.effortOf(codex.encode({ kind: 'setEffort', effort: null }, idle).state)).toEqual(['minimal']);
    // One that does not say what it does by itself is told what its documentation says, once it was told something else.
    const silent = threads(null, null);
    expect(silent.effortOf(silent.ready)).toEqual([undefined]);
    expect(silent.effortOf({ ...(silent.ready as object), effortNow: 'high' })).toEqual(['medium']);
  });

  const notOffered = expect.objectContaining({ code: 'effort-refused' }) as object;
  const answered = (state: unknown, configOptions?: unknown[]) => {
    const { calls } = state as { calls: { id: number }[] };
    return driver('opencode').decode(
      JSON.stringify({ jsonrpc: '2.0', id: calls[0]?.id, result: configOptions ? { sessionId: 's', configOptions } : {} }),
      state,
    );
  };
  const model = { id: 'model', category: 'model', type: 'select', currentValue: 'one', options: [] };
  const level = (currentValue: string) => ({ id: 'effort', category: 'thought_level', type: 'select', currentValue, options: [] });
  const ready = (effort: string | null, options: unknown[], asked: Partial<LaunchRequest> = {}) => {
    const opencode = driver('opencode');
    const begun = opencode.begin({ ...request, effort, ...asked });
    const opening = answered(answered(begun.state).state, options);
    return { opencode, ...opening, replies: parsed(opening.replies) };
  };
  const effortSet = { method: 'session/set_config_option', params: { configId: 'effort', value: 'high' } };

  it('[EF3] an ACP agent is told its effort again with another model, which begins with its own, before its next message', () => {
    const { opencode, state: opened } = ready('high', [model, level('high')]);
    const settled = answered(opened).state;
    const set = opencode.encode({ kind: 'setModel', model: 'two' }, settled);
    const held = opencode.encode(message, set.state);
    expect(held.lines).toEqual([]);
    const after = answered(held.state, [model, level('low')]);
    expect(parsed(after.replies)).toMatchObject([effortSet]);
    expect(parsed(answered(after.state, [model, level('high')]).replies)).toMatchObject([{ method: 'session/prompt' }]);
  });

  it('[EF3] an ACP agent is told its effort where only the chosen model has that setting', () => {
    const opening = ready('high', [model], { model: 'two' });
    expect(opening.outputs).toEqual([]);
    expect(opening.replies).toMatchObject([{ params: { configId: 'model', value: 'two' } }]);
    expect(parsed(answered(opening.state, [model, level('low')]).replies)).toMatchObject([effortSet]);
    // Both at once, from a model without it.
    const { opencode, state } = ready(null, [model]);
    const set = opencode.encode({ kind: 'setModel', model: 'two' }, state);
    const both = opencode.encode({ kind: 'setEffort', effort: 'high' }, set.state);
    expect(both.lines).toEqual([]);
    expect(parsed(answered(both.state, [model, level('low')]).replies)).toMatchObject([effortSet]);
  });

  it('[EF4] where a model or an effort is not to be had, that is told, and the agent goes on with its own', () => {
    const refused = (about: string): object => ({ kind: 'notice', data: { code: `${about}-refused` } });
    expect(ready(null, [], { model: 'two' }).outputs).toMatchObject([refused('model'), { kind: 'ready' }]);
    const { opencode, state } = ready(null, []);
    expect(opencode.encode({ kind: 'setModel', model: 'two' }, state)).toMatchObject({ lines: [], notices: [{ code: 'model-refused' }] });
    expect(opencode.encode({ kind: 'setEffort', effort: 'high' }, state)).toMatchObject({
      lines: [],
      notices: [{ code: 'effort-refused' }],
    });
    expect(opencode.encode({ kind: 'setModel', model: null }, state).notices).toBeUndefined();
    const without = ready('high', [model], { model: 'two' });
    expect(answered(without.state, [model]).outputs).toMatchObject([refused('effort'), { kind: 'ready' }]);
  });

  it('[EF3] an ACP agent is told through the option that it offers for it', () => {
    const opencode = driver('opencode');
    const open = (configOptions: unknown[], effort: string | null) => {
      const asked = opencode.decode(
        '{"jsonrpc":"2.0","id":1,"result":{"agentCapabilities":{}}}',
        opencode.begin({ ...request, effort }).state,
      );
      const id = (JSON.parse(asked.replies[0] ?? '{}') as { id: number }).id;
      return opencode.decode(JSON.stringify({ jsonrpc: '2.0', id, result: { sessionId: 's', configOptions } }), asked.state);
    };
    const option = { id: 'effort', category: 'thought_level', type: 'select', currentValue: 'low', options: [] };
    const params = { sessionId: 's', configId: 'effort', value: 'high' };
    expect(parsed(open([option], 'high').replies)).toMatchObject([{ method: 'session/set_config_option', params }]);
    expect(open([option], null).replies).toEqual([]);
    expect(open([], 'high').replies).toEqual([]);
    expect(open([], 'high').outputs).toContainEqual(expect.objectContaining({ kind: 'notice', data: notOffered }));
    const { state } = open([option], null);
    expect(parsed(opencode.encode({ kind: 'setEffort', effort: 'high' }, state).lines)).toMatchObject([{ params }]);
    expect(parsed(opencode.encode({ kind: 'setEffort', effort: null }, state).lines)).toMatchObject([
      { params: { ...params, value: 'low' } },
    ]);
  });
});
