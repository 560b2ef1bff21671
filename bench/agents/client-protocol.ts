import { JsonRpc } from './json-rpc.ts';
import type { Protocol } from './protocol.ts';

interface Update {
  sessionUpdate: string;
  content?: { text?: string };
}

/** The Agent Client Protocol, of an agent that speaks it with these arguments. */
export function clientProtocol(...args: string[]): Protocol {
  return {
    args,
    early: false,
    begin(write, heard, project) {
      const rpc = new JsonRpc(write, { jsonrpc: '2.0' });
      const failed = (error: unknown): void => heard.ended(String(error));
      let sessionId = '';
      const open = async (): Promise<void> => {
        const clientCapabilities = { fs: { readTextFile: false, writeTextFile: false }, terminal: false };
        await rpc.ask('initialize', { protocolVersion: 1, clientCapabilities });
        sessionId = (await rpc.ask<{ sessionId: string }>('session/new', { cwd: project, mcpServers: [] })).sessionId;
        heard.ready();
      };
      open().catch(failed);
      return {
        hear(line) {
          const { method, params } = rpc.hear(line) ?? {};
          if (method !== 'session/update') return;
          const { update } = params as { update: Update };
          if (update.sessionUpdate === 'agent_message_chunk') heard.text(update.content?.text ?? '');
        },
        say(text) {
          rpc
            .ask<{ stopReason: string }>('session/prompt', { sessionId, prompt: [{ type: 'text', text }] })
            .then(({ stopReason }) => heard.ended(stopReason === 'end_turn' ? undefined : stopReason), failed);
        },
      };
    },
  };
}
