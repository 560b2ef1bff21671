import { posix } from 'node:path';
import { destructive, elevated, MOST_CHARS, type Finding } from './risk.ts';
import type { Word } from './shell-words.ts';

const secrets = [
  /(^|\/)\.(ssh|gnupg|aws|azure|kube|password-store|gem)(\/|$)/i,
  /(^|\/)\.(netrc|pgpass|npmrc|pypirc|git-credentials|htpasswd|vault-token|credentials\.json)$/i,
  /(^|\/)\.env(\.(?!example$|sample$|template$)[\w.-]+)?$/i,
  /(^|\/)(id_(rsa|dsa|ecdsa|ed25519)|authorized_keys|credentials|hosts\.yml|auth\.json|secrets?\.(ya?ml|json|toml))$/i,
  /\.(pem|key|p12|p8|pfx|keystore|jks|keychain(-db)?)$/i,
  /^\/etc\/(shadow|gshadow|sudoers|ssl\/private)/,
  /^\/proc\/[^/]+\/(environ|mem)$/,
  /(^|\/)\.docker\/config\.json$/,
];
/** Files that decide what runs later. */
const startup = [
  /(^|\/)\.git(\/|$)/,
  /(^|\/)\.(bash|zsh)(rc|_profile|env|_logout)$|(^|\/)\.profile$|(^|\/)\.z?login$/,
  /(^|\/)\.(claude|codex|vscode|husky)\//,
  /(^|\/)\.(envrc|mcp\.json|gitconfig)$/,
  /(^|\/)\.github\/workflows\//,
  /(^|\/)(crontab|cron\.\w+|LaunchAgents|LaunchDaemons|systemd)(\/|$)/,
];
const unread = destructive('names a path that is too long to be read');
const harmless = /^\/dev\/(null|stdout|stderr|tty|fd\/\d+)$/;

/** Where relative paths begin: `null` when that can't be told. */
export interface Place {
  projectPath: string;
  cwd: string | null;
}

function isSecret(path: string): boolean {
  return secrets.some((pattern) => pattern.test(path));
}

/** The whole path; null where it can't be told before it runs. */
function resolve(word: Word, { cwd }: Place): string | null {
  // A variable, a home folder or a brace decides itself later. A glob stays in the folder that is written before it.
  if (word.dynamic || word.text.startsWith('~') || hasBrace(word.text)) return null;
  if (posix.isAbsolute(word.text)) return posix.normalize(word.text);
  return cwd === null ? null : posix.resolve(cwd, word.text);
}

/** `{a,b}`, which a shell makes several words of. */
function hasBrace(text: string): boolean {
  const open = text.indexOf('{');
  const comma = open < 0 ? -1 : text.indexOf(',', open);
  return comma >= 0 && text.includes('}', comma);
}

function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** What a read of this path could give away. */
export function readRisk(word: Word, place: Place): Finding[] {
  if (word.text.length > MOST_CHARS) return [unread];
  const path = resolve(word, place);
  const shown = word.text.slice(0, 100);
  if (isSecret(path ?? word.text) || isSecret(word.text)) return [destructive(`reads credentials: ${shown}`)];
  if (path === null) return [elevated(`reads a place that is decided when it runs: ${shown}`)];
  return isInside(path, place.projectPath) || harmless.test(path) ? [] : [elevated(`reads outside the project: ${shown}`)];
}

/** What a write to this path could harm. */
export function writeRisk(word: Word, place: Place): Finding[] {
  if (word.text.length > MOST_CHARS) return [unread];
  const path = resolve(word, place);
  const shown = word.text.slice(0, 100);
  if (isSecret(path ?? word.text) || isSecret(word.text)) return [destructive(`writes credentials: ${shown}`)];
  if (startup.some((pattern) => pattern.test(path ?? word.text))) return [destructive(`changes what runs later: ${shown}`)];
  if (path === null) return [destructive(`writes to a place that is decided when it runs: ${shown}`)];
  if (harmless.test(path)) return [];
  if (isInside(path, place.projectPath)) return [elevated(`writes in the project: ${shown}`)];
  if (isInside(path, '/tmp') && path !== '/tmp') return [elevated(`writes a temporary file: ${shown}`)];
  return [destructive(`writes outside the project: ${shown}`)];
}

/** The folder after `cd`: null when it can't be told. */
export function changeFolder(word: Word | undefined, place: Place): Place {
  return { ...place, cwd: word === undefined || word.text === '-' ? null : resolve(word, place) };
}
