import { writeSync } from 'node:fs';

// An agent that speaks the Claude CLI's protocol and says the time: for a message `lines=N every=MS` it prints N deltas,
// each with the moment of its own write, in nanoseconds of the machine's monotonic clock, which all processes share.

function print(line: Record<string, unknown>): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

function event(event: Record<string, unknown>): void {
  print({ type: 'stream_event', event, session_id: 'stamping', parent_tool_use_id: null, uuid: '00000000-0000-4000-8000-000000000000' });
}

async function answer(uuid: string, text: string): Promise<void> {
  const count = Number(/lines=(\d+)/.exec(text)?.[1] ?? 1);
  const every = Number(/every=(\d+)/.exec(text)?.[1] ?? 0);
  print({ type: 'system', subtype: 'init', session_id: 'stamping' });
  event({ type: 'message_start', message: { id: `msg_${uuid}` } });
  event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  for (let line = 0; line < count; line++) {
    if (every > 0) await new Promise((resolve) => setTimeout(resolve, every));
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ` ${process.hrtime.bigint()}` } });
  }
  print({ type: 'result', subtype: 'success', is_error: false, result: 'done', user_message_uuid: uuid, usage: {} });
}

let rest = '';
process.stdin.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const input = JSON.parse(line) as { type: string; request_id?: string; uuid?: string; message?: { content: { text: string }[] } };
    if (input.type === 'control_request')
      print({ type: 'control_response', response: { subtype: 'success', request_id: input.request_id, response: {} } });
    if (input.type === 'user') void answer(input.uuid ?? '', input.message?.content[0]?.text ?? '');
  }
});
