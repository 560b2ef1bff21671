import { startModelServer, type ModelServer } from '../../cli/model/model-server.ts';
import { Holdfast, type HoldfastOptions } from './holdfast.ts';
import { agentSandbox } from './sandbox.ts';

/** A server whose agent is the real Claude CLI, which talks to a scripted model in the test's own process. */
export interface ClaudeHoldfast {
  holdfast: Holdfast;
  model: ModelServer;
  /** The CLI's home folder. */
  home: string;
  /** How often the model was asked for an answer to exactly this message. */
  askedFor: (message: string) => number;
  dispose: () => Promise<void>;
}

/** Starts all of it. The model outlives every kill of the server. */
export async function claudeHoldfast(options: HoldfastOptions = {}): Promise<ClaudeHoldfast> {
  const model = await startModelServer();
  const sandbox = agentSandbox(model.url);
  // Compaction is put off, so that the log can be compared with what a client saw.
  const env = { ...sandbox.env, DEFAULT_AGENT: 'claude', COMPACT_AFTER_SECONDS: '3600', ...options.env };
  const holdfast = await Holdfast.start({ ...options, env });
  return {
    holdfast,
    model,
    home: sandbox.home,
    askedFor: (message) =>
      model.requests.filter((request) => !request.side && request.last === 'text' && request.lastUserText === message).length,
    dispose: async () => {
      await holdfast.dispose();
      sandbox.remove();
      await model.close();
    },
  };
}
