import type { SetSessionConfigOptionRequest, SetSessionModeRequest } from '@agentclientprotocol/sdk';
import type { AcpProfile } from '../../contracts/acp-profile.ts';
import type { PermissionMode } from '../driver.ts';
import { type JsonObject, listOf, objectOf, stringOf } from '../json.ts';
import type { AcpState, Setter } from './state.ts';

/** A request that sets a mode or a model. */
interface SetCall {
  about: 'mode' | 'model' | 'effort';
  method: string;
  params: unknown;
}

function optionOf(result: JsonObject, category: string): JsonObject | undefined {
  return listOf(result.configOptions)
    .map(objectOf)
    .find((option) => option.category === category || option.id === category);
}

function setterOf(own: unknown, option: JsonObject | undefined): Setter {
  if (typeof own === 'object' && own !== null) return { by: 'method' };
  const configId = stringOf(option?.id);
  return configId === '' ? { by: 'none' } : { by: 'option', configId };
}

/** The agent's own mode by the options of its session; empty where that is none of them. */
export function modeOption(told: JsonObject): string {
  return stringOf(optionOf(told, 'mode')?.currentValue);
}

/** How this session's mode and model are set, as its agent said when it opened it. */
export function settersOf(result: JsonObject): Pick<AcpState, 'setMode' | 'setModel' | 'ownModel' | 'setEffort' | 'ownEffort'> {
  const model = optionOf(result, 'model');
  const effort = optionOf(result, 'thought_level');
  return {
    setMode: setterOf(result.modes, optionOf(result, 'mode')),
    setModel: setterOf(result.models, model),
    ownModel: stringOf(objectOf(result.models).currentModelId) || stringOf(model?.currentValue) || null,
    setEffort: setterOf(undefined, effort),
    ownEffort: stringOf(effort?.currentValue) || null,
  };
}

/** What sets the agent's mode for one of ours; null where it has none for it. */
export function setModeCall(state: AcpState, mode: PermissionMode, profile: AcpProfile): SetCall | null {
  const modeId = profile.modes?.[mode];
  const sessionId = state.agentSessionId;
  if (modeId === undefined || sessionId === null) return null;
  switch (state.setMode.by) {
    case 'none':
      return null;
    case 'method':
      return { about: 'mode', method: 'session/set_mode', params: { sessionId, modeId } satisfies SetSessionModeRequest };
    case 'option': {
      const params: SetSessionConfigOptionRequest = { sessionId, configId: state.setMode.configId, value: modeId };
      return { about: 'mode', method: 'session/set_config_option', params };
    }
  }
}

/** What sets how hard the agent's model thinks; null where it offers no option for that. */
export function setEffortCall(state: AcpState, effort: string): SetCall | null {
  const { agentSessionId: sessionId, setEffort } = state;
  if (sessionId === null || setEffort?.by !== 'option') return null;
  const params: SetSessionConfigOptionRequest = { sessionId, configId: setEffort.configId, value: effort };
  return { about: 'effort', method: 'session/set_config_option', params };
}

/**
 * Sets how hard the model thinks, as it is wanted, after a model was set: agents begin each model with its own effort, and which there
 * are depends on it. `answer` may tell of the options that there are now.
 */
export function effortAfterModel(before: AcpState, answer: JsonObject): { state: AcpState; set: SetCall | null; refused: boolean } {
  const option = optionOf(answer, 'thought_level');
  const told = { setEffort: setterOf(undefined, option), ownEffort: stringOf(option?.currentValue) || null };
  const state: AcpState = Array.isArray(answer.configOptions) ? { ...before, ...told } : before;
  if (!state.effort || option?.currentValue === state.effort) return { state, set: null, refused: false };
  const set = setEffortCall(state, state.effort);
  return { state, set, refused: set === null };
}

/** That the session keeps what it has, since its agent lets nobody choose. */
export function notOffered(about: 'model' | 'effort'): { code: string; detail: string } {
  const what = about === 'model' ? 'its model' : 'how hard its model thinks';
  return { code: `${about}-refused`, detail: `This agent does not let ${what} be chosen here: it goes on with its own.` };
}

/** What sets the agent's model; null where it can't be set. */
export function setModelCall(state: AcpState, model: string): SetCall | null {
  const sessionId = state.agentSessionId;
  if (sessionId === null) return null;
  switch (state.setModel.by) {
    case 'none':
      return null;
    case 'method':
      return { about: 'model', method: 'session/set_model', params: { sessionId, modelId: model } };
    case 'option': {
      const params: SetSessionConfigOptionRequest = { sessionId, configId: state.setModel.configId, value: model };
      return { about: 'model', method: 'session/set_config_option', params };
    }
  }
}

/** The mode of ours that the agent's own one stands for, beside the present one; null where it says nothing new. */
export function modeOf(state: AcpState, modeId: string, profile: AcpProfile): PermissionMode | null {
  if (profile.modes?.[state.mode] === modeId) return null;
  const found = Object.entries(profile.modes ?? {}).find(([, id]) => id === modeId);
  return found ? (found[0] as PermissionMode) : null;
}
