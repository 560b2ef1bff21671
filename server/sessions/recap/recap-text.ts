import type { RecapFacts } from '../../contracts/recap.ts';
import { oneLine, shorten } from '../shorten.ts';

/** A recap's longest text, in UTF-16 units. */
export const MAX_RECAP_CHARS = 4_000;
/** Entries of a list that the text shows; the facts have more. */
const SHOWN = 8;

type Lines = readonly string[];

/** The facts for people: what matters most comes first, so that a cut at `max` loses the least. */
export function recapText(facts: RecapFacts, projectPath: string, max = MAX_RECAP_CHARS): string {
  const path = (file: string): string => (file.startsWith(`${projectPath}/`) ? file.slice(projectPath.length + 1) : file);
  const sections = [
    [summary(facts)],
    list(
      'Waiting for you',
      facts.waiting.map(({ kind, title }) => `${kind}: ${title}`),
      facts.waiting.length,
    ),
    facts.running ? [running(facts.running)] : [],
    list(
      'Failed',
      facts.failed.map(({ asked, code, detail }) => `${quoted(asked)}${code}: ${oneLine(detail, 120)}`),
      facts.counts.failed,
    ),
    list(
      'Done',
      facts.done.map(({ asked, answer }) => `${quoted(asked)}${oneLine(answer, 200)}`),
      facts.counts.answered,
    ),
    list(
      'Files changed',
      facts.files.map(({ path: file, changes }) => path(file) + (changes > 1 ? ` (${changes} times)` : '')),
      facts.files.length,
    ),
    list('Commands', facts.commands.map(commandLine), facts.counts.commands),
    list(
      'Its process ended unasked',
      facts.exits.map(({ reason, at }) => `${reason}, ${minute(at)} UTC`),
      facts.exits.length,
    ),
  ];
  return shorten(
    sections
      .filter((lines) => lines.length > 0)
      .map((lines) => lines.join('\n'))
      .join('\n\n'),
    max,
  );
}

function summary({ counts, since, until, queued, costUsd, usage }: RecapFacts): string {
  if (since === null || until === null) return 'Nothing has happened.';
  const outcomes = [
    `${counts.asked} asked`,
    `${counts.answered} answered`,
    ...some(counts.failed, 'failed'),
    ...some(counts.cancelled, 'cancelled'),
    ...some(queued, 'waiting in line'),
  ];
  const work = [
    ...some(counts.fileChanges, counts.fileChanges === 1 ? 'change of a file' : 'changes of files'),
    ...some(counts.commands, counts.commands === 1 ? 'command' : 'commands'),
    ...some(counts.failedCommands, 'of them failed'),
  ];
  const tokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  const spent = [
    ...(costUsd === null ? [] : [`$${costUsd.toFixed(costUsd < 0.1 ? 4 : 2)}`]),
    ...(tokens + usage.outputTokens === 0 ? [] : [`${tokens} tokens in, ${usage.outputTokens} out`]),
  ];
  const parts = [outcomes, work, spent].filter((part) => part.length > 0).map((part) => part.join(', '));
  return `${minute(since)} to ${minute(until)} UTC: ${parts.join('; ')}.`;
}

function running({ asked, tool, at, state }: NonNullable<RecapFacts['running']>): string {
  const what = tool === undefined ? '' : `, now ${tool}`;
  const verb = state === 'waiting' ? 'Waiting in' : 'Running now';
  return `${verb}: ${oneLine(asked ?? 'a message', 200)} (since ${minute(at)} UTC${what})`;
}

function commandLine({ command, outcome, output }: RecapFacts['commands'][number]): string {
  const how = outcome === 'ok' ? '' : ` (${outcome}${output === undefined ? '' : `: ${oneLine(output, 100)}`})`;
  return `${oneLine(command, 150)}${how}`;
}

/** A titled list of the newest entries; `total` is how many there were. */
function list(title: string, entries: Lines, total: number): Lines {
  if (entries.length === 0) return [];
  const shown = entries.slice(-SHOWN);
  const head = total > shown.length ? `${title} (the last ${shown.length} of ${total})` : title;
  return [`${head}:`, ...shown.map((entry) => `- ${oneLine(entry, 400)}`)];
}

function quoted(asked: string | undefined): string {
  return asked === undefined ? '' : `"${oneLine(asked, 80)}" – `;
}

function some(count: number, what: string): string[] {
  return count === 0 ? [] : [`${count} ${what}`];
}

/** 2026-01-05T10:00:04.120Z as 2026-01-05 10:00 */
function minute(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)}`;
}
