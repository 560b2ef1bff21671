import { allModes, type Driver } from '../driver.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { begin, launch } from './launch.ts';
import { efforts } from './policy.ts';
import type { CodexState } from './state.ts';
import { stateVersion } from './state.ts';

/** Codex, through `codex app-server`: JSON-RPC in lines. */
export const codexDriver: Driver<CodexState> = {
  agent: 'codex',
  capabilities: {
    images: true,
    resume: true,
    cancel: true,
    approvals: true,
    earlyMessage: false,
    fork: true,
    modes: allModes,
    models: true,
    efforts,
  },
  stateVersion,
  migrate: (old, version) => (version === stateVersion ? (old as CodexState) : null),
  launch,
  begin,
  encode,
  decode,
};
