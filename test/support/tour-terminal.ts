import { eventOf } from './agent-processes.ts';
import { eventually } from './eventually.ts';
import { has } from './terminal.ts';
import type { Guide } from './tour-guide.ts';

/** Waits until the versions of all programs are known, which are asked for in the background. */
export async function versionsKnown({ holdfast }: Guide): Promise<void> {
  if (!has('tmux')) return;
  await eventually(async () => {
    const { body } = await holdfast.client.call<{ agents: { agent: string; version?: string }[] }>('GET', '/api/agents');
    return body.agents.find(({ agent }) => agent === 'terminal')?.version;
  });
}

/** A terminal: keys, its screen, and what it does not do. */
export async function terminal(guide: Guide): Promise<void> {
  if (!has('tmux')) return;
  const { client } = guide.holdfast;
  const body = { agent: 'terminal', projectPath: guide.holdfast.folder('shell'), command: `stty -echo; printf '$ '; exec cat` };
  const { body: created } = await client.call<{ sessionId: string }>('POST', '/api/sessions', body);
  const { sessionId } = created;
  const params = { id: sessionId };
  const { seq } = await eventOf(client, sessionId, 'output');
  await guide.visit('createSession', { body });
  await guide.visit('input', { params, body: { text: 'hello\r' } });
  await eventOf(client, sessionId, 'output', seq);
  await guide.visit('screen', { params, query: '?lines=0' });
  await guide.visit('createSession', { body: { ...body, command: 'top' } });
  await guide.takeEvents(sessionId);
  await client.call('DELETE', `/api/sessions/${sessionId}`);
}
