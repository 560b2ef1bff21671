import { randomUUID } from 'node:crypto';
import type { Protocol } from './protocol.ts';

interface Line {
  type: string;
  subtype?: string;
  event?: { type: string; delta?: { type: string; text?: string } };
}

const args =
  '-p --input-format stream-json --output-format stream-json --include-partial-messages --verbose --permission-prompt-tool stdio';

/** `claude -p` with lines of JSON in and out. */
export const streamJson: Protocol = {
  args: args.split(' '),
  early: true,
  begin(write, heard) {
    write({ type: 'control_request', request_id: 'first', request: { subtype: 'initialize' } });
    return {
      hear(text) {
        const { type, subtype, event } = JSON.parse(text) as Line;
        if (type === 'control_response') heard.ready();
        if (type === 'result') heard.ended(subtype === 'success' ? undefined : text);
        if (type === 'stream_event' && event?.delta?.type === 'text_delta') heard.text(event.delta.text ?? '');
      },
      say(text) {
        write({ type: 'user', uuid: randomUUID(), message: { role: 'user', content: [{ type: 'text', text }] } });
      },
    };
  },
};
