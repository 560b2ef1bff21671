import { nanoid } from 'nanoid';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../server/platform/clock.ts';
import { members } from '../../server/process/members.ts';
import type { RunOnceRequest } from '../../server/process/run-once.ts';
import { runOnce } from '../../server/process/run-once.ts';
import { newMark, plainEnv, sweepAfterwards, temporaryFolder } from './temporary.ts';

function request(script: string, change: Partial<RunOnceRequest> = {}): RunOnceRequest {
  const mark = newMark();
  sweepAfterwards(mark);
  return {
    ...{ mark, cwd: temporaryFolder(), file: 'sh', args: ['-c', script], env: plainEnv, input: '', timeoutMs: 20_000 },
    ...{ maxBytes: 1_000_000, clock: systemClock, cancelled: new AbortController().signal },
    ...change,
  };
}

const left = ({ mark }: RunOnceRequest): unknown[] => members({ groupId: null, agent: null, mark });

describe('a program that is run once', () => {
  it('[RO1] gets its input and its environment alone, and is told with its output and exit', async () => {
    const asked = request('cat; echo "$A-$HOLDFAST_INCARNATION-$HOME" >&2; pwd; exit 3', {
      input: 'hello\n',
      env: { ...plainEnv, A: 'b' },
    });
    expect(await runOnce(asked)).toEqual({ kind: 'ended', code: 3, stdout: `hello\n${asked.cwd}\n`, stderr: `b-${asked.mark}-\n` });
  });

  it('[RO1] takes a megabyte of input, and minds no input that is not read', async () => {
    const input = `${'é'.repeat(500_000)}\n`;
    expect(await runOnce(request('wc -c', { input }))).toMatchObject({ stdout: expect.stringMatching(/^\s*1000001\s*$/) as string });
    expect(await runOnce(request('exit 0', { input }))).toMatchObject({ kind: 'ended', code: 0 });
  });

  it.each([
    ['too slow', 'sleep 60', { timeoutMs: 200 }, 'timed-out'],
    ['deaf to TERM, with children that left its group', 'trap "" TERM; setsid sleep 61 & sleep 60 & wait', { timeoutMs: 300 }, 'timed-out'],
    ['too talkative', 'yes', { maxBytes: 10_000 }, 'too-much-output'],
    ['not there', '', { file: `/nowhere/${nanoid()}` }, 'start-failed'],
    ['in a folder that is gone', 'true', { cwd: `/nowhere/${nanoid()}` }, 'start-failed'],
  ] as const)('[RO2] that is %s is a value, and nothing of it is left', async (_what, script, change, code) => {
    const asked = request(script, change);
    expect(await runOnce(asked)).toMatchObject({ kind: 'failed', code });
    expect(left(asked)).toEqual([]);
  });

  it('[RO2] and leaves a child behind takes that with it', async () => {
    const asked = request('setsid sleep 60 >/dev/null 2>&1 </dev/null & echo done');
    expect(await runOnce(asked)).toMatchObject({ kind: 'ended', stdout: 'done\n' });
    expect(left(asked)).toEqual([]);
  });

  it('[RO3] ends when it is given up, and does not start when it was given up before', async () => {
    const giveUp = new AbortController();
    const asked = request('sleep 60', { cancelled: giveUp.signal });
    const ran = runOnce(asked);
    setTimeout(() => giveUp.abort(), 100);
    expect(await ran).toMatchObject({ kind: 'failed', code: 'cancelled' });
    expect(left(asked)).toEqual([]);
    expect(await runOnce(asked)).toMatchObject({ kind: 'failed', code: 'cancelled' });
  });
});
