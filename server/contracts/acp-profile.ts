import { z } from 'zod';
import { PermissionMode } from './state.ts';

const Pattern = z.string().refine((text) => {
  try {
    return new RegExp(text, 's') instanceof RegExp;
  } catch {
    return false;
  }
}, 'must be a regular expression');

/** What has to be known of an agent that speaks the Agent Client Protocol, as data of its entry in the agents catalogue. */
export const AcpProfile = z.strictObject({
  /** What makes the program speak the protocol on stdin and stdout. */
  args: z.array(z.string()),
  /** Variables that it always gets. */
  env: z.record(z.string(), z.string()).optional(),
  /** The variable that names its folder for temporary files, where it leaves some behind: each process gets one that goes with it. */
  temporaryEnv: z.string().optional(),
  /** The agent's own mode for each of ours. A mode that is left out is kept by the driver's own answers to what the agent asks. */
  modes: z.partialRecord(PermissionMode, z.string()).optional(),
  /** How hard its model can be told to think, the least first, for an agent that offers this as an option of the session. */
  efforts: z.array(z.string()).optional(),
  quirks: z
    .strictObject({
      /** Pieces of text that tell of a failed call of the model, where that ends a turn as if it were an answer. */
      failureText: Pattern.optional(),
      /** Pieces of text that tell of a new try: what was said before is said again. */
      retryText: Pattern.optional(),
      /** Other pieces of text that are the program's and not the model's. */
      noticeText: Pattern.optional(),
      /** The update that ends the history of a loaded session, where that history comes after the answer to session/load. */
      replayEnd: z.string().optional(),
      /** How the id of a session is written to load it, with `{id}` in its place; where that fails it is tried as it is. */
      loadAs: z.string().includes('{id}').optional(),
      /** What the figures of usage count: this turn (which is usual), or all since the process began. */
      usage: z.enum(['turn', 'process']).optional(),
    })
    .optional(),
});
export type AcpProfile = z.infer<typeof AcpProfile>;
