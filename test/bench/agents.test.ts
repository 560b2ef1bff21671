import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { candidates, type Candidate } from '../../bench/agents/candidates.ts';
import { agents } from '../../bench/measures/agents.ts';
import type { RealAgent } from '../real-agents/agents.ts';

const SMALL = { rounds: 1, messages: 2, idleMs: 0 };

let temporary = '';
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(temporary, { recursive: true, force: true });
});

it.runIf(process.platform === 'linux')(
  'the bench of the agents measures one, passes over one that is not installed, goes on after one that fails, and leaves nothing behind',
  async () => {
    temporary = mkdtempSync(join(tmpdir(), 'hf-'));
    vi.stubEnv('TMPDIR', temporary);
    const [claude] = candidates.filter(({ real }) => real.agent === 'claude');
    if (!claude) throw new Error('There is no claude among them.');
    const other = (agent: string, prepare: RealAgent['prepare']): Candidate => ({ ...claude, real: { ...claude.real, agent, prepare } });
    const missing = other('gemini', () => ({ GEMINI_COMMAND: '/nowhere' }));
    const failing = other('codex', () => {
      throw new Error('no home');
    });
    const chosen = [missing, failing, claude];
    const { heads, lines, failures } = await agents(chosen, SMALL);
    expect(lines.map((line) => line.length)).toEqual(chosen.map(() => heads.length));
    expect(lines[0]?.slice(0, 2)).toEqual(['gemini', expect.stringContaining('node test/real-agents/install.ts')]);
    expect(lines[1]?.slice(0, 2)).toEqual(['codex', 'could not be measured']);
    expect(failures).toEqual(['codex could not be measured: no home']);
    const [name, ...figures] = lines[2] ?? [];
    expect(name).toMatch(/^claude \d+\./);
    expect(figures.join(' ')).not.toContain('NaN');
    expect(figures.slice(0, 4)).toEqual(Array(4).fill(expect.stringMatching(/^\d.* ms, bare \d.* ms: [+−]\d.* ms/)));
    expect(figures.slice(4, 6)).toEqual(Array(2).fill(expect.stringMatching(/^\d{2,}.* MiB, bare \d{2,}.* MiB: /)));
    expect(figures[6]).toBe('3, bare 1');
    expect(readdirSync(temporary)).toEqual([]);
  },
  // Three starts of the real program, on a busy machine.
  180_000,
);
