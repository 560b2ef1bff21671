import { posix } from 'node:path';
import { changeFolder, readRisk, writeRisk, type Place } from './paths.ts';
import { programRisk } from './program-rules.ts';
import { destructive, elevated, MOST_CHARS, type Finding } from './risk.ts';
import { parseShell, type SimpleCommand, type Word } from './shell-words.ts';

const MOST_NESTED = 8;
/** Assignments, keywords and wrappers before the program itself. */
const MOST_BEFORE = 30;
const unread = destructive('is too long or too nested to be read');

const shells = /^(sh|bash|zsh|dash|ksh|mksh|fish|csh|tcsh|ash|busybox|pwsh|powershell)$/;
const interpreters = /^(python[\d.]*|node|nodejs|deno|bun|perl|ruby|php|lua|tclsh|osascript|awk|gawk|mawk|Rscript)$/;
/** Programs that run what stands behind them; the options with a value of their own. */
const wrappers: Record<string, RegExp> = {
  nohup: /^$/,
  time: /^-[fo]$/,
  nice: /^-n$/,
  ionice: /^-[cnp]$/,
  timeout: /^-[ks]$/,
  command: /^$/,
  builtin: /^$/,
  exec: /^-a$/,
  stdbuf: /^-[ioe]$/,
  setsid: /^$/,
  env: /^-[uCS]$/,
  xargs: /^-[IiLnPsdEa]$/,
  parallel: /^-[jNS]$/,
  caffeinate: /^-[tw]$/,
  chronic: /^$/,
  watch: /^-[nd]$/,
  npx: /^-[pc]$/,
  strace: /^-[eop]$/,
  chroot: /^$/,
};
const raisers = /^(sudo|doas|su|pkexec|runuser|machinectl|dzdo)$/;
const keywords = new Set(['do', 'then', 'else', 'elif', 'if', 'while', 'until', '!', '{', '}', 'fi', 'done', 'esac', 'coproc']);
/** Assignments that decide what programs do. */
const steering =
  /^(PATH|LD_\w+|DYLD_\w+|BASH_ENV|ENV|IFS|PROMPT_COMMAND|GIT_\w+|NODE_OPTIONS|PYTHON\w+|PERL5\w+|RUBY\w+|EDITOR|PAGER|SHELL)\+?=/;
const losesData =
  /\b(drop|truncate)\s+(table|database|schema|view|index|user|role|collection|keyspace)\b|\btruncate\s+\w+\s*(;|$)|\bdelete\s+from\b|\bdropDatabase\b|\bflush(all|db)\b/i;
const codeLoses =
  /\b(rmtree|rmSync|rmdirSync|unlinkSync|unlink|rmdir|rimraf|rm_rf|rm_r|File\.delete|os\.remove|removedirs|shutil|system|popen|subprocess|child_process|exec(Sync|File|v|l)?|spawn(Sync)?|eval|Deno\.(remove|run|Command)|socket|os\.kill|process\.kill|truncate)\b/;

/** What a shell text could do, judged by its words alone. When in doubt it is the higher level. */
export function commandRisk(text: string, projectPath: string, depth = 0): Finding[] {
  if (text.length > MOST_CHARS || depth > MOST_NESTED) return [unread];
  const { commands, unsure } = parseShell(text);
  const findings = losesData.test(withoutComments(text)) ? [destructive('deletes data in a database')] : [];
  if (unsure) findings.push(destructive('has parts that can not be told before it runs'));
  let place: Place = { projectPath, cwd: projectPath };
  for (const command of commands) {
    findings.push(...simpleRisk(command, place, depth));
    const [name, folder] = command.words.filter(({ text: word }) => !keywords.has(word));
    if (name && /^(cd|pushd|popd)$/.test(name.text)) place = changeFolder(name.text === 'popd' ? undefined : folder, place);
  }
  return findings;
}

/** Comments inside SQL are blanks to a database. Looks at each character once, also where a comment never ends. */
function withoutComments(text: string): string {
  const parts: string[] = [];
  let at = 0;
  for (;;) {
    const begin = text.indexOf('/*', at);
    const end = begin < 0 ? -1 : text.indexOf('*/', begin + 2);
    if (end < 0) break;
    parts.push(text.slice(at, begin));
    at = end + 2;
  }
  const plain = [...parts, text.slice(at)].join(' ');
  const lines = plain.lastIndexOf('\n') + 1;
  return plain.slice(0, lines).replaceAll(/--[^\n]*\n/g, ' ') + plain.slice(lines);
}

/** What a program that is called without a shell could do. */
export function argumentsRisk(words: readonly string[], projectPath: string): Finding[] {
  if (words.reduce((sum, word) => sum + word.length + 1, 0) > MOST_CHARS) return [unread];
  const command = { words: words.map((text) => ({ text, dynamic: false })), redirects: [], piped: false, fed: null };
  return simpleRisk(command, { projectPath, cwd: projectPath }, 0);
}

function simpleRisk(command: SimpleCommand, place: Place, depth: number): Finding[] {
  if (depth > MOST_NESTED) return [unread];
  const findings = command.redirects.flatMap(({ op, target }): Finding[] => {
    if (op === '<') return readRisk(target, place);
    return /^(>&|<&)$/.test(op) && /^(\d+|-)$/.test(target.text) ? [] : writeRisk(target, place);
  });
  let words = command.words;
  for (let before = 0; ; before++) {
    if (before > MOST_BEFORE) return [...findings, unread];
    while (words[0] && !words[0].dynamic && keywords.has(words[0].text)) words = words.slice(1);
    const first = words[0];
    if (!first) return findings;
    if (/^\w+\+?=/.test(first.text)) {
      if (steering.test(first.text)) findings.push(destructive(`changes what programs do: ${first.text.split('=')[0]}`));
      words = words.slice(1);
      continue;
    }
    if (/^(for|select|case)$/.test(first.text)) return findings;
    // What is decided when it runs, or by the names of files, can be any program.
    if (first.dynamic || /[*?[\]{},]/.test(first.text.replace(/^\[\[?$/, '')))
      return [...findings, destructive('runs a program that is decided when it runs')];
    const name = posix.basename(first.text);
    if (raisers.test(name)) findings.push(destructive(`${name} acts with the rights of another user`));
    else if (first.text.includes('/') && !/^(\/usr(\/local)?)?\/s?bin\//.test(first.text))
      findings.push(elevated(`runs a program by its path: ${first.text.slice(0, 100)}`));
    const rest = words.slice(1);
    if (name === 'env' && rest.length === 0) return [...findings, ...programRisk({ name, args: rest, place })];
    if (wrappers[name] || raisers.test(name)) {
      if (name === 'xargs' || name === 'parallel') findings.push(...suppliedRisk(rest));
      words = behind(name, rest);
      // env -S and su -c have the command in one word.
      const whole = rest.find(({ text }, index) => /^(-S|-c|--command|--split-string)$/.test(rest[index - 1]?.text ?? '') && text !== '');
      if (whole) findings.push(...textRisk(whole, place, depth));
      if (words.length === 0) return [...findings, elevated(`runs ${name}`)];
      continue;
    }
    return [...findings, ...namedRisk(name, rest, command, place, depth)];
  }
}

/** Which program a wrapper runs: what stands behind its options. */
function behind(name: string, args: readonly Word[]): Word[] {
  const valued = wrappers[name] ?? /^-[ugpChT]$/;
  let at = 0;
  for (; args[at]; at++) {
    const text = args[at]?.text ?? '';
    if (text === '--') return args.slice(at + 1);
    if (valued.test(text) && text !== '') at++;
    else if (!text.startsWith('-') && !(name === 'env' && /^\w+=/.test(text))) break;
  }
  // These have an operand of their own.
  if (/^(timeout|chroot)$/.test(name)) at++;
  return args.slice(at);
}

/** A program gets arguments that come from its input. */
function suppliedRisk(args: readonly Word[]): Finding[] {
  return args.some(({ text }) => /^(rm|mv|kill|sh|bash|zsh|dd|chmod|chown|git|unlink|truncate|shred)$/.test(posix.basename(text)))
    ? [destructive('runs it on whatever its input names')]
    : [elevated('runs it on whatever its input names')];
}

function textRisk(word: Word, place: Place, depth: number): Finding[] {
  const dynamic = word.dynamic ? [destructive('runs a text that is decided when it runs')] : [];
  return [...dynamic, ...commandRisk(word.text, place.projectPath, depth + 1)];
}

function namedRisk(name: string, args: readonly Word[], command: SimpleCommand, place: Place, depth: number): Finding[] {
  if (name === 'eval') {
    const text = args.map((word) => word.text).join(' ');
    return [elevated('eval'), ...textRisk({ text, dynamic: args.some((word) => word.dynamic) }, place, depth)];
  }
  if (shells.test(name)) return shellRisk(name, args, command, place, depth);
  if (interpreters.test(name)) return interpreterRisk(name, args, command, place);
  const findings = programRisk({ name, args, place });
  const execs = args.findIndex(({ text }) => /^(-exec|-execdir|-x|--exec|-X|--exec-batch)$/.test(text));
  if (/^(find|fd|fdfind)$/.test(name) && execs >= 0) {
    const inner = args.slice(execs + 1).filter(({ text }) => !/^(\{\}|;|\+)$/.test(text));
    return [
      ...findings,
      elevated('find runs a program'),
      ...suppliedRisk(inner.slice(0, 1)),
      ...simpleRisk({ ...command, words: inner, redirects: [] }, place, depth + 1),
    ];
  }
  if (/^(ssh|docker|podman|kubectl)$/.test(name)) {
    // What runs elsewhere is judged as if it ran here.
    const text = args.map((word) => word.text).join(' ');
    const inner = commandRisk(text.replace(/^\S+\s+/, ''), place.projectPath, depth + 1);
    return [...findings, ...inner.filter(({ level }) => level === 'destructive')];
  }
  return findings;
}

function shellRisk(name: string, args: readonly Word[], command: SimpleCommand, place: Place, depth: number): Finding[] {
  const at = args.findIndex(({ text }) => /^-[A-Za-z]*c$/.test(text) || text === '-Command');
  const code = at >= 0 ? args[at + 1] : undefined;
  if (code) return textRisk(code, place, depth);
  if (command.fed !== null) return textRisk({ text: command.fed, dynamic: false }, place, depth);
  if (name === 'busybox') return simpleRisk({ ...command, words: [...args], redirects: [] }, place, depth + 1);
  const script = args.find(({ text }) => !text.startsWith('-'));
  if (command.piped || script === undefined || script.dynamic) return [destructive(`${name} runs whatever it is fed`)];
  return [elevated(`${name} runs a script`), ...readRisk(script, place)];
}

function interpreterRisk(name: string, args: readonly Word[], command: SimpleCommand, place: Place): Finding[] {
  const code = [...args.map(({ text }) => text), command.fed ?? ''].join('\n');
  if (codeLoses.test(code)) return [destructive(`${name} runs code that deletes, ends or starts things`)];
  const inline = args.some(({ text }) => /^-[A-Za-z]*[cepr]$|^--(eval|print)$/.test(text)) || /awk$/.test(name);
  const script = args.find(({ text }) => !text.startsWith('-'));
  if (!inline && command.fed === null && (command.piped || script === undefined || script.dynamic))
    return [destructive(`${name} runs whatever it is fed`)];
  if (inline && args.some(({ dynamic }) => dynamic)) return [destructive(`${name} runs code that is decided when it runs`)];
  return [elevated(`${name} runs code`), ...programRisk({ name, args, place })];
}
