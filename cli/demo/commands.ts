/** What the commands of a demo are made of. */
export interface DemoPlace {
  url: string;
  token: string;
  sessionId: string;
  serverPid: number;
  /** The last event before the user's first message. */
  cursor: number;
  /** The page that shows what the owner's phone would. */
  phoneUrl: string;
}

/** About 15 seconds of answer: enough to paste another command while it runs. */
const LONG_ANSWER = 'tokens=150 delay=100';
/** Reading ends by itself after the answer; curl takes that for a failure and must not begin again then. */
const READ_SECONDS = 25;
const RETRY_SECONDS = 20;

function chat(place: DemoPlace, options: string[], body: Record<string, unknown>): string {
  const { url, token, sessionId } = place;
  const parts = [...options, `-H 'Authorization: Bearer ${token}'`, `-H 'Content-Type: application/json'`];
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

/** 3: the server dies; then everything after the cursor, waiting for the server's return. The pause is for the kernel, which resets connections while a process dies. */
export function killCommand(place: DemoPlace): string {
  const { url, token, sessionId, serverPid, cursor } = place;
  return [
    `kill -9 ${serverPid}; sleep 1; curl -sN --max-time ${READ_SECONDS} --retry ${RETRY_SECONDS} --retry-delay 1 --retry-max-time ${RETRY_SECONDS} --retry-connrefused`,
    `  -H 'Authorization: Bearer ${token}' -H 'Accept: text/event-stream'`,
    `  '${url}/api/sessions/${sessionId}/events?after=${cursor}'`,
  ].join(' \\\n');
}

/** 4: the agent asks before it does something, so its owner's phone is told. */
export function askCommand(place: DemoPlace, agent: 'claude' | 'echo'): string {
  return `${chat(place, ['-s'], { message: agent === 'claude' ? 'run: touch made' : 'approve: touch made' })}; echo`;
}

/** 5: the answer from afar: what waits, and the decision. */
export function allowCommand(place: DemoPlace): string {
  const { url, token, sessionId } = place;
  const credentials = `-H 'Authorization: Bearer ${token}'`;
  return [
    `ID=$(curl -s ${credentials} ${url}/api/approvals | sed 's/.*"approvalId":"\\([^"]*\\)".*/\\1/');`,
    `  curl -s ${credentials} -H 'Content-Type: application/json' -d '{"decision":"allow"}'`,
    `  "${url}/api/sessions/${sessionId}/approvals/$ID"; echo`,
  ].join(' \\\n');
}
