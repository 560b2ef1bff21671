import { allModes, type Driver } from '../driver.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { begin, efforts, launch } from './launch.ts';
import { oneShot } from './one-shot.ts';
import type { ClaudeState } from './state.ts';
import { stateVersion } from './state.ts';

/** Claude Code, through `claude -p` with stream-json on both sides. */
export const claudeDriver: Driver<ClaudeState> = {
  agent: 'claude',
  capabilities: {
    images: true,
    resume: true,
    cancel: true,
    approvals: true,
    earlyMessage: true,
    fork: true,
    modes: allModes,
    models: true,
    efforts,
  },
  stateVersion,
  oneShot,
  migrate: (old, version) => (version === stateVersion ? (old as ClaudeState) : null),
  launch,
  begin,
  encode,
  decode,
};
