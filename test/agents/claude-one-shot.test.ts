import { describe, expect, it } from 'vitest';
import { oneShot } from '../../server/agents/claude/one-shot.ts';

const result = { type: 'result', subtype: 'success', is_error: false, result: ' It went well.\n' };

describe('one question to a fork of a Claude conversation', () => {
  it('[RC11] resumes a fork that is not saved, without tools, MCP servers and hooks', () => {
    const { file, args, env } = oneShot.launch({ agentSessionId: 'abc', projectPath: '/p', model: 'opus', command: '/bin/claude' });
    expect(file).toBe('/bin/claude');
    expect(args.slice(args.indexOf('--resume'))).toEqual(
      ['--resume', 'abc', '--permission-mode', 'default', '--model', 'opus', '--tools', ''], // prettier-ignore
    );
    expect(args).toEqual(expect.arrayContaining(['-p', '--fork-session', '--no-session-persistence', '--strict-mcp-config']));
    expect(env).toMatchObject({ CLAUDE_CODE_SAFE_MODE: '1' });
  });

  it.each([
    ['its result', JSON.stringify(result), 'It went well.'],
    ['the result in a list of messages', JSON.stringify([{ type: 'system' }, result]), 'It went well.'],
    ['nothing in an error', JSON.stringify({ ...result, is_error: true }), null],
    ['nothing in another subtype', JSON.stringify({ ...result, subtype: 'error_during_execution' }), null],
    ['nothing in an empty answer', JSON.stringify({ ...result, result: '  ' }), null],
    ['nothing in another line', '{"type":"assistant"}', null],
    ['nothing in what is no JSON', 'No conversation found', null],
    ['nothing in nothing', '', null],
    ['nothing in an empty list', '[]', null],
  ])('[RC11] the answer is %s', (_what, stdout, answer) => {
    expect(oneShot.read(stdout)).toBe(answer);
  });
});
