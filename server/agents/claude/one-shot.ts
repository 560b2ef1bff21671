import type { OneShot } from '../driver.ts';
import { listOf, objectOf, stringOf } from '../json.ts';

const fixedArgs = ['-p', '--output-format', 'json', '--fork-session', '--no-session-persistence', '--strict-mcp-config'];

/**
 * One question to a fork of the conversation, in a process of its own. The fork is not saved, has no tools and no MCP servers, and
 * safe mode keeps hooks quiet: a hook that tells its owner that Claude has finished must not fire for a recap. Safe mode is asked
 * for by its variable, since an older CLI refuses to start with an option that it doesn't know.
 */
export const oneShot: OneShot = {
  launch({ agentSessionId, command, model }) {
    const args = [...fixedArgs, '--resume', agentSessionId, '--permission-mode', 'default'];
    if (model !== null) args.push('--model', model);
    // --tools takes every word up to the next option: it comes last, with the one word that means none.
    return { file: command, args: [...args, '--tools', ''], env: { DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_SAFE_MODE: '1' } };
  },
  read(stdout) {
    let parsed: unknown;
    try {
      parsed = JSON.parse(stdout);
    } catch {
      return null;
    }
    // Where the owner's settings say verbose, it prints a list of all messages.
    const result = Array.isArray(parsed) ? objectOf(listOf(parsed).findLast((line) => objectOf(line).type === 'result')) : objectOf(parsed);
    if (result.type !== 'result' || result.subtype !== 'success' || result.is_error === true) return null;
    return stringOf(result.result).trim() || null;
  },
};
