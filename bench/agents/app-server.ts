import { JsonRpc } from './json-rpc.ts';
import type { Protocol } from './protocol.ts';

/** `codex app-server`. */
export const appServer: Protocol = {
  args: ['app-server'],
  early: false,
  begin(write, heard, project) {
    const rpc = new JsonRpc(write, {});
    const failed = (error: unknown): void => heard.ended(String(error));
    let threadId = '';
    const open = async (): Promise<void> => {
      await rpc.ask('initialize', { clientInfo: { name: 'bench', title: null, version: '1' }, capabilities: null });
      rpc.tell('initialized');
      const how = { cwd: project, approvalPolicy: 'untrusted', sandbox: 'workspace-write' };
      threadId = (await rpc.ask<{ thread: { id: string } }>('thread/start', how)).thread.id;
      heard.ready();
    };
    open().catch(failed);
    return {
      hear(line) {
        const { method, params } = rpc.hear(line) ?? {};
        if (method === 'item/agentMessage/delta') heard.text((params as { delta: string }).delta);
        if (method === 'turn/completed') {
          const { turn } = params as { turn: { status: string } };
          heard.ended(turn.status === 'completed' ? undefined : line);
        }
      },
      say(text) {
        rpc.ask('turn/start', { threadId, input: [{ type: 'text', text, text_elements: [] }] }).catch(failed);
      },
    };
  },
};
