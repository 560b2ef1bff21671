/** What the commands of a demo are made of. */
export interface DemoPlace {
  url: string;
  token: string;
  sessionId: string;
  serverPid: number;
  /** The last event before the user's first message. */
  cursor: number;
}

/** About 15 seconds of answer: enough to paste another command while it runs. */
const LONG_ANSWER = 'tokens=150 delay=100';
const SECONDS = 30;

function chat(place: DemoPlace, options: string[], body: Record<string, unknown>): string {
  const { url, token, sessionId } = place;
  const parts = [`-H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json'`, ...options];
  return [`curl ${parts.join(' ')}`, `  -d '${JSON.stringify({ sessionId, ...body })}'`, `  ${url}/api/chat`].join(' \\\n');
}

/** 1: a message, and its answer in one piece. */
export function chatCommand(place: DemoPlace): string {
  return `${chat(place, ['-s'], { message: 'remember the word kiwi', wait: true })}; echo`;
}

/** 2: a long answer as it comes. */
export function streamCommand(place: DemoPlace): string {
  return chat(place, ['-sN', "-H 'Accept: text/event-stream'"], { message: LONG_ANSWER });
}

/** 3: the server dies; then everything after the cursor, waiting for the server's return. */
export function killCommand(place: DemoPlace): string {
  const { url, token, sessionId, serverPid, cursor } = place;
  return [
    `kill -9 ${serverPid}; curl -sN --retry ${SECONDS} --retry-delay 1 --retry-connrefused --max-time ${SECONDS}`,
    `  -H 'Authorization: Bearer ${token}' -H 'Accept: text/event-stream'`,
    `  '${url}/api/sessions/${sessionId}/events?after=${cursor}'`,
  ].join(' \\\n');
}
