/** A small seeded generator (mulberry32), so that a failing seed can be kept. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const oddities: unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  '',
  '__proto__',
  'toString',
  [],
  {},
  [null],
  [[[]]],
  { type: null },
  '\u2028\ud800',
  [{ type: 'text' }],
];

/** A value with some of its parts replaced, removed or moved. */
export function mangled(value: unknown, random: () => number): unknown {
  if (random() < 0.08) return oddities[Math.floor(random() * oddities.length)];
  if (Array.isArray(value)) return value.map((item) => mangled(item, random));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(() => random() > 0.05)
      .map(([key, item]) => [random() < 0.03 ? '__proto__' : key, mangled(item, random)]),
  );
}

/** A line that looks almost like `line`: other values, or cut, or with bytes changed. */
export function mangledLine(line: string, random: () => number): string {
  const way = random();
  if (way < 0.1) return line.slice(0, Math.floor(random() * line.length));
  if (way < 0.2) return line.replace(/[a-z]/, () => String.fromCharCode(Math.floor(random() * 0xffff)));
  try {
    return JSON.stringify(mangled(JSON.parse(line), random)) ?? '';
  } catch {
    return line;
  }
}

/** Lines that no agent should print. */
export const hostileLines = [
  '',
  ' ',
  'null',
  'true',
  '0',
  '[]',
  '{}',
  '"text"',
  'not json',
  '{"type":',
  '{"type":null}',
  '{"type":["assistant"]}',
  '{"type":"__proto__"}',
  '{"__proto__":{"type":"result"}}',
  '{"type":"assistant"}',
  '{"type":"user","isReplay":true}',
  '{"type":"result"}',
  '{"type":"system"}',
  '{"type":"control_request"}',
  '{"type":"control_request","request_id":"a"}',
  '{"type":"control_response","response":[]}',
  '{"type":"stream_event"}',
  '{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"text_delta","text":7}}}',
  '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1e300}}',
  '{"jsonrpc":"2.0"}',
  '{"jsonrpc":"2.0","id":null,"result":{}}',
  '{"jsonrpc":"2.0","id":0,"method":"session/request_permission"}',
  '{"jsonrpc":"2.0","id":{},"method":"session/request_permission","params":[]}',
  '{"jsonrpc":"2.0","id":3,"error":"no"}',
  '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":null}}',
  '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call","toolCallId":7,"rawInput":[],"content":{}}}}',
  '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"__proto__"}}}',
  '\u0000',
  '\ufeff{}',
  `${'['.repeat(100_000)}`,
  `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  `{"type":"control_request","request_id":"deep","request":{"subtype":"can_use_tool","input":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}}`,
  `{"type":"approval","id":"deep","what":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
];
