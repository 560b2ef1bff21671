import { describe, expect, it } from 'vitest';
import { reportOf } from '../../cli/stop/report.ts';

const nothing = { agents: [], waitingMessages: 0, notStored: null };
const session = { name: 'Demo', projectPath: '/home/me/project' };

describe('what npm run stop tells', () => {
  it('[STOP2] says so when there was nothing', () => {
    expect(reportOf('/data', { pid: null, killed: false }, nothing)).toEqual({
      lines: ['Nothing to stop: no server and no agent of /data is alive.'],
      ok: true,
    });
  });

  it('[STOP4] what is still alive makes it fail, with a command to try', () => {
    const left = [
      { pid: 12, startTime: '1', bootId: 'b' },
      { pid: 13, startTime: '1', bootId: 'b' },
    ];
    const { lines, ok } = reportOf(
      '/data',
      { pid: 7, killed: true },
      { ...nothing, agents: [{ agent: 'claude', pid: 12, session, left }] },
    );
    expect(ok).toBe(false);
    expect(lines).toEqual([
      'Ended the server (pid 7); it did not react and had to be killed.',
      'Could not end claude (pid 12) of "Demo" in /home/me/project: 12, 13 still live. Try: kill -9 12 13',
    ]);
  });

  it('[STOP1] messages that wait and a reason that could not be stored are not kept quiet', () => {
    const { lines, ok } = reportOf('/data', { pid: 7, killed: false }, { agents: [], waitingMessages: 2, notStored: 'the disk is full' });
    expect(ok).toBe(true);
    expect(lines).toEqual([
      'Ended the server (pid 7).',
      'No agent was alive.',
      '2 message(s) reached no agent yet; the next server hands them on.',
      'That you ended them could not be stored (the disk is full); the next server will say that they were lost.',
    ]);
  });
});
