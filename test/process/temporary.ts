import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nanoid } from 'nanoid';
import { onTestFinished } from 'vitest';
import type { ProcessIdentity } from '../../server/process/identity.ts';
import { signal } from '../../server/process/identity.ts';
import type { Identities } from '../../server/process/journal-folder.ts';
import type { LaunchRequest, Launched } from '../../server/process/launcher.ts';
import { launch, prepareFolder } from '../../server/process/launcher.ts';
import { members } from '../../server/process/members.ts';

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-process-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function newMark(): string {
  return `test-${nanoid(8)}/inc-${nanoid(8)}`;
}

/** Kills whatever carries the mark or is known by identity when the test is over. */
export function sweepAfterwards(mark: string, ...known: (ProcessIdentity | null)[]): void {
  onTestFinished(() => {
    const identities = known.filter((identity) => identity !== null);
    for (let round = 0; round < 5; round++) {
      for (const member of members({ groupId: null, agent: null, mark, known: identities })) signal(member, 'SIGKILL');
    }
  });
}

export interface Started {
  folder: string;
  mark: string;
  wrapper: ProcessIdentity;
  agent: ProcessIdentity;
}

export const plainEnv = { PATH: '/usr/local/bin:/usr/bin:/bin' };

/** Launches in a new journal; nothing is left of it when the test is over. */
export async function tryLaunch(
  request: Partial<LaunchRequest> & { file: string },
): Promise<{ folder: string; mark: string; launched: Launched }> {
  const folder = request.folder ?? temporaryFolder();
  const mark = request.mark ?? newMark();
  sweepAfterwards(mark);
  prepareFolder(folder);
  const launched = await launch({ cwd: folder, args: [], env: plainEnv, ...request, folder, mark });
  return { folder, mark, launched };
}

/** Like `tryLaunch`, for what is known to start. */
export async function start(request: Partial<LaunchRequest> & { file: string }): Promise<Started> {
  const { folder, mark, launched } = await tryLaunch(request);
  if (launched.kind !== 'started' || launched.wrapper === null) throw new Error(JSON.stringify(launched));
  return { folder, mark, wrapper: launched.wrapper, agent: launched.agent };
}

/** A shell program as the agent. */
export function startShell(script: string, request: Partial<LaunchRequest> = {}): Promise<Started> {
  return start({ file: 'sh', args: ['-c', script], ...request });
}

export function identitiesOf(started: Started): Partial<Identities> {
  return { wrapper: started.wrapper, agent: started.agent };
}
