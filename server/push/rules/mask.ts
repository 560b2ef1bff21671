const MASK = '[masked]';

/** Credentials that are known by their shape. Each begins with something rare and has no two ways to match, so that time stays linear. */
const SHAPES: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\b(?:sk|pk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,}/g,
  /\bgh[oprsu]_[A-Za-z0-9]{16,}/g,
  /\bgithub_pat_\w{16,}/g,
  /\bglpat-[\w-]{16,}/g,
  /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[\w-]{30,}/g,
  /\bya29\.[\w-]{16,}/g,
  /\bnpm_[A-Za-z0-9]{30,}/g,
  /\bhf_[A-Za-z0-9]{30,}/g,
  /\bpypi-[\w-]{30,}/g,
  /\bSG\.[\w-]{16,}\.[\w-]{16,}/g,
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g,
];
const BEARER = /\b(bearer|basic)([ \t]+)[\w.~+/=-]{8,}/gi;
const URL_PASSWORD = /(:\/\/[^\s/:@]{0,256}:)[^\s/@]{1,512}@/g;
const OPTION = /(?<![\w-])(--)([a-z][a-z0-9-]{0,60})([ \t]+)([^\s-]\S{0,4095})/gi;
/** A name, `=` or `:`, and a value, as in .env files, JSON, YAML and code. A name has one place where it can begin. */
const ASSIGNMENT =
  /(?<![\w.-])([A-Za-z_][\w.-]{0,127})(["']?[ \t]{0,8}(?:=>|:=|[=:])[ \t]{0,8})("[^"\n]{0,4096}|'[^'\n]{0,4096}|[^\s"',;()[\]{}]{1,4096})/g;
const SECRET_NAME =
  /secret|token|passw(?:or)?d|passphrase|\bpwd|api_?-?key|private_?-?key|access_?-?key|auth_?-?key|encryption_?-?key|signing_?-?key|credential|authorization|database_url|\bdsn/i;
/** Values that hold no secret: numbers, words of a language, and names of places where the secret is. */
const HARMLESS = /^["']?(?:\d{1,9}|true|false|null|none|undefined|nil|[$<%*].*|\[masked\]|process\.env.*|os\.environ.*|.{0,3})$/i;

/** A text without what looks like a credential: keys, tokens, PEM blocks, passwords in URLs, secret settings. Linear in its length. */
export function maskSecrets(text: string): string {
  let masked = maskPem(text);
  for (const shape of SHAPES) masked = masked.replaceAll(shape, MASK);
  masked = masked.replaceAll(BEARER, (_, scheme: string, gap: string) => `${scheme}${gap}${MASK}`);
  masked = masked.replaceAll(URL_PASSWORD, (_, before: string) => `${before}${MASK}@`);
  masked = masked.replaceAll(OPTION, (whole, dashes: string, name: string, gap: string, value: string) =>
    isSecret(name, value) ? `${dashes}${name}${gap}${MASK}` : whole,
  );
  return masked.replaceAll(ASSIGNMENT, (whole, name: string, operator: string, value: string) => {
    if (!isSecret(name, value)) return whole;
    const quote = /^["']/.exec(value)?.[0] ?? '';
    return `${name}${operator}${quote}${MASK}`;
  });
}

function isSecret(name: string, value: string): boolean {
  return SECRET_NAME.test(name) && !HARMLESS.test(value);
}

const PEM_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----/g;
const PEM_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----/g;

/** A key without an end is cut off: everything behind its beginning is taken for key. */
function maskPem(text: string): string {
  let masked = '';
  let from = 0;
  for (;;) {
    PEM_BEGIN.lastIndex = from;
    const begin = PEM_BEGIN.exec(text);
    if (!begin) return masked + text.slice(from);
    PEM_END.lastIndex = PEM_BEGIN.lastIndex;
    const end = PEM_END.exec(text);
    masked += `${text.slice(from, begin.index)}${MASK}`;
    if (!end) return masked;
    from = PEM_END.lastIndex;
  }
}
