import { added, milliseconds, type Table } from '../report.ts';
import { median, percentile } from '../statistics.ts';
import type { TreeFigures } from './process-tree.ts';
import type { Sides } from './rounds.ts';

const HEADS = [
  'agent',
  'start until ready',
  'first token, new process',
  'first token, live process, p50',
  'the same, p95',
  'memory, idle (RSS)',
  'memory, idle (PSS)',
  'processes',
];

/** What came of one agent: figures, or why there are none. */
export type Outcome =
  { agent: string; version: string; sides: Sides } | { agent: string; missing: string } | { agent: string; failed: string };

/** A line per agent; in each cell what it is through us, what it is bare, and how much the first is more. */
export function agentsTable(outcomes: readonly Outcome[]): Table {
  const failures = outcomes.flatMap((outcome) =>
    'failed' in outcome ? [`${outcome.agent} could not be measured: ${outcome.failed}`] : [],
  );
  return { name: 'agents', heads: HEADS, lines: outcomes.map(line), failures };
}

function line(outcome: Outcome): string[] {
  if ('missing' in outcome) return [outcome.agent, outcome.missing, ...HEADS.slice(2).map(() => '')];
  if ('failed' in outcome) return [outcome.agent, 'could not be measured', ...HEADS.slice(2).map(() => '')];
  const { agent, version, sides } = outcome;
  const { us, bare } = sides;
  return [
    `${agent} ${version}`,
    `${times(us.start, bare.start, 0.5)} (n=${us.start.length})`,
    `${times(us.cold, bare.cold, 0.5)} (n=${us.cold.length})`,
    `${times(us.warm, bare.warm, 0.5)} (n=${us.warm.length})`,
    times(us.warm, bare.warm, 0.95),
    memory(
      us.told,
      bare.idle.map(({ rssMb }) => rssMb),
    ),
    memory(
      us.idle.map(({ pssMb }) => pssMb),
      bare.idle.map(({ pssMb }) => pssMb),
    ),
    `${processes(us.idle)}, bare ${processes(bare.idle)}`,
  ];
}

function times(us: number[], bare: number[], p: number): string {
  const [ours, theirs] = [percentile(us, p), percentile(bare, p)];
  return `${milliseconds(ours)}, bare ${milliseconds(theirs)}: ${added(ours - theirs)}`;
}

function memory(us: number[], bare: number[]): string {
  const [ours, theirs] = [median(us), median(bare)];
  const more = ours - theirs;
  return `${ours.toFixed(1)} MiB, bare ${theirs.toFixed(1)} MiB: ${more < 0 ? '−' : '+'}${Math.abs(more).toFixed(1)} MiB`;
}

/** The most there were: helpers that an agent starts come and go. */
function processes(looks: readonly TreeFigures[]): number {
  return Math.max(...looks.map((look) => look.processes));
}
