import type { PermissionOptionKind, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import type { DataOf } from '../../contracts/events.ts';
import type { Decoded, Output } from '../driver.ts';
import { type JsonObject, listOf, objectOf, stringOf } from '../json.ts';
import { doubted } from './pieces.ts';
import { answer } from './rpc.ts';
import type { AcpState, PendingApproval } from './state.ts';
import { endBlock, openTurn, running, turnOf } from './state.ts';
import { askedOf, goesUnasked, mentioned, tell } from './tools.ts';

type Options = DataOf<'approval.requested'>['options'];

/** The line that chooses the option of the first of these kinds that is offered; without one, the request is cancelled. */
export function choose(request: PendingApproval, ...kinds: PermissionOptionKind[]): string {
  const option = kinds.flatMap((kind) => request.options.find((other) => other.kind === kind) ?? [])[0];
  if (!option) return cancelled(request);
  return answer(request.rpcId, { outcome: { outcome: 'selected', optionId: option.optionId } } satisfies RequestPermissionResponse);
}

/** The line that answers a request whose turn was given up. */
export function cancelled(request: Pick<PendingApproval, 'rpcId'>): string {
  return answer(request.rpcId, { outcome: { outcome: 'cancelled' } } satisfies RequestPermissionResponse);
}

function offered(options: JsonObject[]): Options {
  const named = (kind: PermissionOptionKind): string | undefined => {
    const found = options.find((option) => option.kind === kind);
    return found && (stringOf(found.name) || kind.replace('_', ' '));
  };
  const once = named('allow_once');
  const always = named('allow_always');
  return [
    ...(once === undefined ? [] : [{ id: 'allow', label: once, decision: 'allow' as const }]),
    ...(always === undefined ? [] : [{ id: 'allow-always', label: always, decision: 'allow-always' as const }]),
    { id: 'deny', label: named('reject_once') ?? named('reject_always') ?? 'Deny', decision: 'deny' as const },
  ];
}

/** `session/request_permission`: an approval, or our own answer where the mode leaves it to the agent. */
export function decodePermission(rpcId: string | number, params: JsonObject, before: AcpState): Decoded<AcpState> {
  const id = String(rpcId);
  const options = listOf(params.options).map(objectOf);
  const kept = options.map((option) => ({ optionId: stringOf(option.optionId), kind: stringOf(option.kind) }));
  // Nobody is there to decide: there is no turn, or it was given up.
  const turn = openTurn(before);
  if (!turn || turn.cancel === 'asked') return { outputs: [], replies: [cancelled({ rpcId })], state: before };
  const toolCall = objectOf(params.toolCall);
  const said = doubted(before);
  const begun = running(said.state);
  const ended = endBlock(begun.state);
  const tool = mentioned(ended.state, toolCall);
  const told = tell(ended.state, tool);
  const outputs: Output[] = [...said.outputs, ...begun.outputs, ...ended.outputs, ...told.outputs];
  const asked = askedOf(tool, toolCall);
  const request: PendingApproval = { id, rpcId, options: kept };
  if (goesUnasked(before, tool.kind, toolCall) && kept.some(({ kind }) => kind.startsWith('allow'))) {
    return { outputs, replies: [choose(request, 'allow_once', 'allow_always')], state: told.state };
  }
  outputs.push({
    kind: 'approval.requested',
    ...turnOf(told.state),
    data: { approvalId: id, ...asked, options: offered(options), expiresAt: null },
  });
  const pending = [...told.state.pending.filter((other) => other.id !== id), request];
  return { outputs, replies: [], state: { ...told.state, pending } };
}
