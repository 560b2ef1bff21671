import { has, letter, operands } from './arguments.ts';
import { destructive, elevated, type Finding } from './risk.ts';
import type { Word } from './shell-words.ts';

/** Subcommands that only show something. */
const gitShows = new Set('status diff log show rev-parse ls-files ls-tree blame describe shortlog cat-file merge-base version'.split(' '));

/** What git with these arguments could do. */
export function gitRisk(args: readonly Word[]): Finding[] {
  const lost = (what: string): Finding[] => [destructive(`git ${what}`)];
  let at = 0;
  const config: string[] = [];
  // Options before the subcommand; some take the next word.
  for (; args[at]?.text.startsWith('-'); at++) {
    const text = args[at]?.text ?? '';
    if (/^(-c|--config-env|--exec-path)/.test(text)) config.push(text === '-c' ? (args[at + 1]?.text ?? '') : text);
    if (/^(-C|-c|--git-dir|--work-tree|--namespace|--config-env)$/.test(text)) at++;
  }
  if (config.length > 0) return lost('with settings of its own, which can run programs');
  const name = args[at]?.text ?? '';
  const rest = args.slice(at + 1);
  if (args[at]?.dynamic) return lost('with a command that is decided when it runs');
  switch (name) {
    case 'push':
      if (letter(rest, 'fd') || has(rest, '--force', '--force-with-lease', '--force-if-includes', '--mirror', '--delete', '--prune'))
        return lost('push overwrites or deletes what others have');
      return operands(rest).some(({ text }) => /^[+:]/.test(text))
        ? lost('push overwrites or deletes what others have')
        : [elevated('git push publishes')];
    case 'reset':
      return has(rest, '--hard', '--merge', '--keep') ? lost('reset throws changes away') : [elevated('git reset moves the branch')];
    case 'clean':
      return lost('clean deletes files');
    case 'restore':
    case 'filter-branch':
    case 'filter-repo':
    case 'gc':
    case 'prune':
    case 'reflog':
    case 'update-ref':
      return lost(`${name} throws work or history away`);
    case 'checkout':
    case 'switch':
      if (letter(rest, 'fBC') || has(rest, '--', '.', '--force', '--discard-changes')) return lost(`${name} throws changes away`);
      return [elevated(`git ${name} changes files`)];
    case 'branch':
    case 'tag':
    case 'remote':
    case 'worktree':
    case 'stash':
    case 'submodule':
      if (letter(rest, 'dDfM') || rest.some(({ text }) => /^(drop|clear|remove|rm|deinit|--delete|--force)$/.test(text)))
        return lost(`${name} deletes or overwrites`);
      return rest.length === 0 && name !== 'stash' ? [] : [elevated(`git ${name} changes the repository`)];
    case 'config':
      return lost('config can have programs run later');
    default:
      if (gitShows.has(name) && !has(rest, '--output', '--ext-diff', '--textconv', '-O', '-o')) return [{ level: 'low', reason: '' }];
      return [elevated(`git ${name.slice(0, 40)}`)];
  }
}
