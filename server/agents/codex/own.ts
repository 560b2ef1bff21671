import { type JsonObject, listOf, objectOf, stringOf } from '../json.ts';
import { requestLine } from './rpc.ts';
import type { CodexState } from './state.ts';

/** What codex does by itself, as it says beside a conversation that goes on: that has what was chosen before, and does not tell. */
export interface OwnWays {
  /** The model and the effort of its configuration; null where it does not say. */
  config?: { model: string | null; effort: string | null } | null;
  /** The effort of each of its models, where its configuration names none. */
  efforts?: Record<string, string>;
}

/** Asks for that. */
export function askForOwn(projectPath: string): string[] {
  return [
    requestLine('holdfast-config', 'config/read', { includeLayers: false, cwd: projectPath }),
    requestLine('holdfast-models', 'model/list', {}),
  ];
}

/** The answer to one of those requests; null where it is an error, as of older versions, which is no trouble. */
export function ownTold(id: string, result: JsonObject | null, own: OwnWays = {}): OwnWays {
  if (id === 'holdfast-config') {
    const config = objectOf(result?.config);
    // A profile has ways of its own, which are not told.
    if (result === null || stringOf(config.profile) !== '') return { ...own, config: null };
    return { ...own, config: { model: stringOf(config.model) || null, effort: stringOf(config.model_reasoning_effort) || null } };
  }
  if (result === null) return own;
  const models = listOf(result.data).slice(0, 100).map(objectOf);
  const pairs = models.map((model) => [stringOf(model.model) || stringOf(model.id), stringOf(model.defaultReasoningEffort)]);
  return { ...own, efforts: Object.fromEntries(pairs) as Record<string, string> };
}

/** The model of a conversation for which none is chosen; null where that is not known. */
export function ownModel({ modelOwn, own }: CodexState): string | null {
  return modelOwn ?? own?.config?.model ?? null;
}

/** The effort of a conversation for which none is chosen, with this model; null where that is not known. */
export function ownEffort(state: CodexState, model: string | null): string | null {
  const { effortOwn, effortNow, own } = state;
  // None was chosen so far.
  if (!effortNow) return null;
  if (state.opening.from === 'nothing' || !own?.config || !own.efforts) {
    if (effortOwn) return effortOwn;
  } else {
    const usual = own.config.effort ?? (model === null ? null : own.efforts[model]);
    if (usual) return usual;
  }
  // Where codex did not say what it does by itself, it is what its documentation says.
  return 'medium';
}
