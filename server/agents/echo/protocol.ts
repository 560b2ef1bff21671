/** What the echo program reads, a JSON object a line. */
export type EchoInput =
  | { type: 'message'; id: string; text: string; files: string[] }
  | { type: 'cancel' }
  | { type: 'decision'; id: string; allow: boolean; reason: string }
  | { type: 'answers'; id: string; answers: Record<string, string> };

/** What the echo program prints, a JSON object a line. */
export type EchoOutput =
  | { type: 'ready'; session: string }
  | { type: 'refused'; detail: string }
  | { type: 'received'; id: string }
  | { type: 'begun'; id: string }
  | { type: 'delta'; message: string; text: string; thinking?: true }
  | { type: 'said'; message: string; text: string }
  | { type: 'tool'; tool: string; name: string; state: 'started' | 'finished'; text: string }
  | { type: 'approval'; id: string; what: string }
  | { type: 'question'; id: string; question: string; options: string[] }
  | { type: 'ended'; id: string; outcome: 'completed' | 'failed' | 'cancelled'; text: string; inputTokens: number; outputTokens: number };
