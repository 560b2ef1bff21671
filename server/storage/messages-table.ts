import type { Database } from './database.ts';

/** One message of the history. `attachments` is JSON without the files' contents. */
export interface MessageRow {
  ord: number;
  id: string;
  session_num: number;
  turn_id: string | null;
  role: string;
  text: string;
  partial: number;
  attachments: string | null;
  created_at: number;
}
/** With the state of its turn. */
export type MessageWithTurn = MessageRow & { turn_state: string | null };

/** With all that is told about a single one. `auto_response` is JSON. */
export type MessageInSession = MessageWithTurn & {
  session_id: string;
  owner: string;
  agent: string;
  project_path: string;
  auto_response: string | null;
};

/** Statements of the table `messages`. */
export function messagesTable(db: Database) {
  const insert = db.prepare<[Omit<MessageRow, 'ord'>]>(`
    INSERT INTO messages (id, session_num, turn_id, role, text, partial, attachments, created_at)
    VALUES (@id, @session_num, @turn_id, @role, @text, @partial, @attachments, @created_at)
    ON CONFLICT (id) DO UPDATE SET text = excluded.text, partial = excluded.partial`);
  const joined = 'SELECT m.*, t.state AS turn_state FROM messages m LEFT JOIN turns t ON t.id = m.turn_id';
  const byId = db.prepare<[string], MessageInSession>(`
    SELECT m.*, t.state AS turn_state, t.auto_response, s.id AS session_id, s.owner, s.agent, s.project_path
    FROM messages m JOIN sessions s ON s.num = m.session_num LEFT JOIN turns t ON t.id = m.turn_id WHERE m.id = ?`);
  const page = db.prepare<[number, number, number], MessageWithTurn>(
    `${joined} WHERE m.session_num = ? AND m.ord < ? ORDER BY m.ord DESC LIMIT ?`,
  );
  const reply = db.prepare<[string], { id: string; text: string }>(
    `SELECT id, text FROM messages WHERE turn_id = ? AND role = 'assistant' ORDER BY ord DESC LIMIT 1`,
  );
  const count = db.prepare<[number], { n: number }>('SELECT count(*) AS n FROM messages WHERE session_num = ?');
  return {
    insert: (row: Omit<MessageRow, 'ord'>): void => void insert.run(row),
    byId: (id: string) => byId.get(id),
    /** The newest `limit` messages below `beforeOrd`, newest first. */
    page: (sessionNum: number, beforeOrd: number, limit: number): MessageWithTurn[] => page.all(sessionNum, beforeOrd, limit),
    /** The last thing that the agent said in a turn. */
    reply: (turnId: string): { id: string; text: string } | undefined => reply.get(turnId),
    count: (sessionNum: number): number => count.get(sessionNum)?.n ?? 0,
  };
}
