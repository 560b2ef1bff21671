import type { AcpProfile } from '../../contracts/acp-profile.ts';
import { allModes, type Driver } from '../driver.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { initialize } from './open.ts';
import type { AcpState } from './state.ts';
import { initialState, stateVersion } from './state.ts';

/** An agent that speaks the Agent Client Protocol (JSON-RPC 2.0 in lines), as its profile describes it. */
export function acpDriver(agent: string, profile: AcpProfile): Driver<AcpState> {
  return {
    agent,
    capabilities: {
      images: true,
      resume: true,
      cancel: true,
      approvals: true,
      earlyMessage: false,
      modes: allModes,
      models: true,
      ...(profile.efforts && { efforts: profile.efforts }),
    },
    stateVersion,
    offers: ({ phase, offers }) => (phase === 'initializing' || phase === 'closed' ? null : { images: offers.images, resume: offers.load }),
    migrate: (old, version) => (version === stateVersion ? (old as AcpState) : null),
    launch: ({ command, temporaryPath }) => {
      const temporary = profile.temporaryEnv === undefined ? {} : { [profile.temporaryEnv]: temporaryPath };
      return { file: command, args: [...profile.args], env: { ...profile.env, ...temporary } };
    },
    begin: ({ projectPath, resume, agentSessionId, mode, model, effort }) => {
      const begun = initialize(initialState({ projectPath, resume: resume ? agentSessionId : null, mode, model, effort: effort ?? null }));
      return { lines: [begun.line], state: begun.state };
    },
    encode: (command, state) => encode(command, state, profile),
    decode: (line, state) => decode(line, state, profile),
  };
}
