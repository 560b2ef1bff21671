import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** Whether an agent is signed in, as far as that can be told from files and variables, without asking its service. */
export type SignedIn = 'yes' | 'no' | 'unknown';

/** A file of an agent's own: in the folder that `variable` names, else in `folder` (`~` is home). */
export interface AgentFile {
  variable?: string;
  folder: string;
  name: string;
  /** Members of its JSON of which one is there when it is signed in; without them, any member. */
  members?: readonly string[];
}

/** Where an agent keeps the sign that it may use its model, as data of its entry in the agents catalogue. */
export interface SignIn {
  /** Variables of which one that is set will do. */
  env: readonly string[];
  /** JSON files with credentials. */
  files: readonly AgentFile[];
  /** Files that can name another service, or another way to sign in: where one exists, the lack of credentials proves nothing. */
  maybe?: readonly Pick<AgentFile, 'variable' | 'folder' | 'name'>[];
  /** Systems on which it keeps credentials where we don't look, such as a keychain. */
  keychainOn?: readonly NodeJS.Platform[];
  /** What to do, as a sentence. */
  how: string;
}

/** Credentials are small; whatever is larger is not looked into. */
const MOST_BYTES = 1024 * 1024;

function placeOf(file: Pick<AgentFile, 'variable' | 'folder' | 'name'>, env: Readonly<Record<string, string>>): string | null {
  const named = file.variable === undefined ? undefined : env[file.variable];
  const folder = named || file.folder.replace(/^~/, env['HOME'] ?? '~');
  return path.isAbsolute(folder) ? path.join(folder, file.name) : null;
}

/** The text of a credentials file, `missing`, or `unreadable` for what is no plain file or too large to look into. */
function lookInto(place: string | null): { text: string } | 'missing' | 'unreadable' {
  if (place === null) return 'missing';
  try {
    const found = statSync(place);
    // A pipe, as password managers put in place of a file, would hold up the server until somebody writes into it.
    if (!found.isFile() || found.size > MOST_BYTES) return found.isDirectory() ? 'missing' : 'unreadable';
    return { text: readFileSync(place, 'utf8') };
  } catch {
    // Missing and forbidden are the same here: the agent, which is the same user, can't read it either.
    return 'missing';
  }
}

function isSomething(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return value !== null && value !== undefined && value !== '' && value !== false;
}

function holds(text: string, members: readonly string[] | undefined): SignedIn {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read !== 'object' || read === null) return 'unknown';
    const values = Object.entries(read).filter(([name]) => members === undefined || members.includes(name));
    return values.some(([, value]) => isSomething(value)) ? 'yes' : 'no';
  } catch {
    return 'unknown';
  }
}

/** Whether an agent with this environment is signed in. It says nothing of whether its service still takes the credentials. */
export function signedIn(signIn: SignIn, env: Readonly<Record<string, string>>, platform: NodeJS.Platform = process.platform): SignedIn {
  if (signIn.env.some((name) => (env[name] ?? '') !== '')) return 'yes';
  const found = signIn.files.map((file) => {
    const looked = lookInto(placeOf(file, env));
    if (looked === 'missing') return 'no';
    return looked === 'unreadable' ? 'unknown' : holds(looked.text, file.members);
  });
  if (found.includes('yes')) return 'yes';
  const elsewhere =
    signIn.keychainOn?.includes(platform) === true || signIn.maybe?.some((file) => lookInto(placeOf(file, env)) !== 'missing');
  return elsewhere || found.includes('unknown') ? 'unknown' : 'no';
}
