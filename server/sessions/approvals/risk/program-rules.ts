import { has, letter, operands } from './arguments.ts';
import { gitRisk } from './git-rules.ts';
import type { Place } from './paths.ts';
import { readRisk, writeRisk } from './paths.ts';
import { destructive, elevated, type Finding } from './risk.ts';
import type { Word } from './shell-words.ts';

/** A program by its name, with what it was given. */
interface Invocation {
  name: string;
  args: readonly Word[];
  place: Place;
}

/** Programs that only show something, where they read in the project and write nowhere. */
const shows = new Set(
  'find fd sort rg git echo printf pwd ls cat head tail wc grep egrep fgrep uniq cut tr nl diff cmp file stat which type date whoami id uname true false test [ [[ : basename dirname realpath readlink du df ps tree seq sleep cd exit return wait read'.split(
    ' ',
  ),
);
const disks =
  /^(mkfs(\..+)?|mke2fs|mkswap|fdisk|sfdisk|cfdisk|parted|sgdisk|gdisk|wipefs|blkdiscard|badblocks|hdparm|diskutil|lvremove|vgremove|pvremove|zpool|zfs|cryptsetup|format)$/;
const powers = /^(shutdown|reboot|halt|poweroff|init|telinit)$/;
const outward = /^(curl|wget|fetch|aria2c|nc|ncat|netcat|socat|telnet|ftp|sftp|scp|ssh|rsync|http|https)$/;

/** What one program with these arguments could do. */
export function programRisk(invocation: Invocation): Finding[] {
  const { name, args, place } = invocation;
  const own = rulesOf(invocation);
  // A word may be a path or part of one (`--out=/etc/x`, `@~/.ssh/id_rsa`): credentials are looked for in every one.
  const mentioned = args.flatMap((word) =>
    readRisk({ ...word, text: word.text.replace(/^(--?[\w-]+=|@|-[A-Za-z](?=[/~.]))/, '') }, { ...place, cwd: place.cwd ?? '/' }).filter(
      ({ level }) => level === 'destructive',
    ),
  );
  const sent = args.flatMap(({ text, dynamic }) => {
    const target = /^--(?:output|out|outfile|output-file|output-document|log-file|dest|target-dir)=(.+)/.exec(text)?.[1];
    return target === undefined ? [] : writeRisk({ text: target, dynamic }, place).filter(({ level }) => level === 'destructive');
  });
  mentioned.push(...sent);
  const read = own.length === 0 ? operands(args).flatMap((word) => (looksLikePath(word) ? readRisk(word, place) : [])) : [];
  if (own.length > 0 || shows.has(name)) return [...own, ...mentioned, ...read];
  return [elevated(`runs ${name.slice(0, 60)}`), ...mentioned];
}

function looksLikePath({ text, dynamic }: Word): boolean {
  return dynamic || /^[/~]|^\.\.?(\/|$)|\//.test(text);
}

function rulesOf({ name, args, place }: Invocation): Finding[] {
  const files = operands(args);
  const writes = (words: readonly Word[]): Finding[] => words.flatMap((word) => writeRisk(word, place));
  if (disks.test(name)) return [destructive(`${name} changes disks`)];
  if (powers.test(name)) return [destructive(`${name} stops the machine`)];
  switch (name) {
    case 'rm':
      if (letter(args, 'rRf') || has(args, '--recursive', '--force')) return [destructive('rm deletes recursively or without asking')];
      if (files.some(({ text, dynamic }) => dynamic || /[*?[{]/.test(text))) return [destructive('rm deletes files by a pattern')];
      return [elevated('rm deletes files'), ...writes(files)];
    case 'unlink':
    case 'rmdir':
      return [elevated(`${name} deletes`), ...writes(files)];
    case 'shred':
    case 'srm':
    case 'truncate':
      return [destructive(`${name} destroys what files hold`)];
    case 'dd':
      return [destructive('dd writes raw data')];
    case 'git':
      return gitRisk(args);
    case 'chmod':
    case 'chown':
    case 'chgrp':
      if (letter(args, 'R') || has(args, '--recursive')) return [destructive(`${name} changes rights recursively`)];
      if (args.some(({ text }) => /^[0-7]*777$|^[4267][0-7]{3}$|\+[rwx]*s/.test(text)))
        return [destructive(`${name} opens a file to everybody`)];
      return [elevated(`${name} changes rights`), ...writes(files.slice(1))];
    case 'kill':
      return args.some(({ text }) => /^-(9|KILL|SIGKILL|1)$/i.test(text) || text === '-s')
        ? [destructive('kill ends processes at once')]
        : [elevated('kill ends processes')];
    case 'pkill':
    case 'killall':
    case 'killall5':
      return [destructive(`${name} ends processes by name`)];
    case 'systemctl':
    case 'service':
    case 'launchctl':
      return [
        args.some(({ text }) => /^(status|show|list.*|is-.*|print)$/.test(text))
          ? elevated(`runs ${name}`)
          : destructive(`${name} changes services`),
      ];
    case 'mv':
    case 'cp':
    case 'ln':
    case 'install':
    case 'rsync':
    case 'scp':
      if (has(args, '--delete', '--delete-after', '--remove-source-files')) return [destructive(`${name} deletes`)];
      return [elevated(`${name} writes files`), ...(name === 'mv' ? writes(files) : writes(files.slice(-1))), ...targets(args, place)];
    case 'tee':
    case 'touch':
    case 'mkdir':
    case 'mkfifo':
    case 'split':
      return [elevated(`${name} writes files`), ...writes(files)];
    case 'sed':
    case 'perl':
      return letter(args, 'i') || has(args, '--in-place')
        ? [elevated(`${name} changes files in place`), ...writes(files.slice(1))]
        : [elevated(`runs ${name}`)];
    case 'tar':
    case 'unzip':
    case 'cpio':
      return [
        elevated(`${name} unpacks or packs files`),
        ...targets(args, place),
        ...(letter(args, 'P') ? [destructive(`${name} writes absolute paths`)] : []),
      ];
    case 'find':
    case 'fd':
      if (has(args, '-delete')) return [destructive('find deletes what it finds')];
      return has(args, '-fprint', '-fprintf', '-fls', '-ok', '-okdir') ? [destructive('find writes files')] : [];
    case 'sort':
      return letter(args, 'o') || has(args, '--output', '--compress-program')
        ? [elevated('sort writes a file'), ...targets(args, place)]
        : [];
    case 'rg':
      return has(args, '--pre') ? [elevated('rg runs a program for each file')] : [];
    case 'crontab':
    case 'at':
    case 'batch':
      return [destructive(`${name} has something run later`)];
    case 'env':
    case 'printenv':
    case 'export':
    case 'set':
      return [elevated('shows or changes the environment, in which secrets may be')];
    case 'dropdb':
    case 'dropuser':
      return [destructive(`${name} deletes a database`)];
    case 'trap':
    case 'alias':
    case 'function':
    case 'source':
    case '.':
      return [destructive(`${name} changes what later commands mean`)];
    default:
      return generalRisk(name, args);
  }
}

/** `-C dir`, `-t dir`, `-o file`, `-d dir`: where something is written. */
function targets(args: readonly Word[], place: Place): Finding[] {
  return args.flatMap((word, index) => {
    const joined = /^(?:--(?:directory|target-directory|output)=|-[CtodO](?=[^\s-]))(.+)/.exec(word.text)?.[1];
    if (joined !== undefined) return writeRisk({ text: joined, dynamic: word.dynamic }, place);
    const next = args[index + 1];
    return next && /^(-[CtodO]|--(directory|target-directory|output))$/.test(word.text) ? writeRisk(next, place) : [];
  });
}

const worse =
  /^(delete|destroy|remove|rm|rmi|rb|prune|purge|terminate.*|delete-.*|drop.*|wipe|flushall|flushdb|kill|uninstall|unpublish|publish|down)$/i;
const managers =
  /^(docker|podman|docker-compose|kubectl|helm|terraform|tofu|pulumi|aws|gcloud|gsutil|az|gh|glab|heroku|fly|flyctl|vercel|netlify|firebase|redis-cli|npm|pnpm|yarn|cargo|gem|twine|poetry|brew|apt|apt-get|dnf|yum|pacman|snap|pip|pip3|xcrun|supabase|wrangler)$/;

function generalRisk(name: string, args: readonly Word[]): Finding[] {
  if (managers.test(name)) {
    const verb = args.find(({ text }) => worse.test(text));
    return verb ? [destructive(`${name} ${verb.text} can't be taken back`)] : [elevated(`runs ${name}`)];
  }
  if (outward.test(name)) {
    const sends = args.some(({ text }) =>
      /^(-d|-F|-T|--data.*|--form.*|--upload-file|--post-.*|-e|-c)$|^-X(POST|PUT|DELETE|PATCH)?$|^--request/.test(text),
    );
    return [
      sends && /^(nc|ncat|netcat|socat)$/.test(name)
        ? destructive(`${name} opens a door to others`)
        : elevated(`${name} reaches other machines`),
    ];
  }
  return [];
}
