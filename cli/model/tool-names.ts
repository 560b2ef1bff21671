import type { AnswerBlock } from './script.ts';

type ToolUse = Extract<AnswerBlock, { type: 'tool_use' }>;
type Input = Record<string, unknown>;

/** What the script's tools are called elsewhere, each with how its input is written there. */
const elsewhere: Record<string, Record<string, (input: Input) => Input>> = {
  Bash: {
    bash: (input) => input,
    shell: (input) => input,
    run_shell_command: (input) => input,
  },
  Write: {
    write: ({ file_path, content }) => ({ filePath: file_path, content }),
    write_file: ({ file_path, content }) => ({ file_path, content }),
    create: ({ file_path, content }) => ({ path: file_path, file_text: content }),
  },
};

/** A tool of the script as the agent knows it, by the names that its request offers. */
export function asOffered(block: ToolUse, offered: readonly string[]): { name: string; input: Input } {
  const found = Object.entries(elsewhere[block.name] ?? {}).find(([name]) => offered.includes(name));
  return found ? { name: found[0], input: found[1](block.input) } : { name: block.name, input: block.input };
}
