import { fileURLToPath } from 'node:url';
import { allModes, type Driver, type LaunchRequest, type LaunchSpec } from '../driver.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import type { EchoState } from './state.ts';
import { stateVersion } from './state.ts';

/** The program beside this file, as source or as built. */
const program = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './program.ts' : './program.js', import.meta.url));

function launch(request: LaunchRequest): LaunchSpec {
  const how = request.resume ? '--resume' : '--session';
  // Older Node versions warn about type stripping at each start.
  const fork = request.forkOf === undefined ? [] : ['--fork', request.forkOf];
  const args = ['--disable-warning=ExperimentalWarning', program, how, request.agentSessionId, ...fork];
  return { file: process.execPath, args, env: {} };
}

/** The built-in agent that says what it is told to: for demonstration and for tests. */
export const echoDriver: Driver<EchoState> = {
  agent: 'echo',
  capabilities: { images: true, resume: true, cancel: true, approvals: true, earlyMessage: true, fork: true, modes: allModes },
  stateVersion,
  migrate: (old, version) => (version === stateVersion ? (old as EchoState) : null),
  launch,
  begin: (request) => ({ lines: [], state: { mode: request.mode, turn: null, pending: [] } }),
  encode,
  decode,
};
