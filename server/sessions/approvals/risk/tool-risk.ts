import { argumentsRisk, commandRisk } from './command-risk.ts';
import { readRisk, writeRisk, type Place } from './paths.ts';
import { destructive, elevated, worst, type Finding, type Risk } from './risk.ts';

const reads = /^(read|view|glob|grep|ls|list|search|notebookread|read_file|list_directory)$/i;
const writes = /^(write|edit|multiedit|notebookedit|create|write_file|edit_file|apply_patch|str_replace.*|delete_file|move_file)$/i;
const quiet = /^(todowrite|todoread|toolsearch)$/i;
const worse = /(^|[^a-z])(delete|remove|drop|destroy|truncate|purge|kill|force)/i;
const commandFields = ['command', 'cmd', 'script', 'commands'];
const pathFields = ['file_path', 'notebook_path', 'path', 'filePath', 'file', 'destination', 'source', 'pattern'];

/**
 * How much harm a tool with this input could do: pure rules over names and words. A hint for whoever decides, such as for asking
 * for a fingerprint first, and no protection: what is judged is a text, and a program can do more than its text tells.
 */
export function toolRisk(tool: string, input: unknown, projectPath: string): Risk {
  const fields = typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {};
  const place: Place = { projectPath, cwd: projectPath };
  const findings: Finding[] = commandFields.flatMap((name) => commandIn(fields[name], projectPath));
  const paths = pathFields.flatMap((name) => (typeof fields[name] === 'string' ? [{ text: fields[name], dynamic: false }] : []));
  paths.push(...changedPaths(fields['changes']));
  if (fields['dangerouslyDisableSandbox'] === true) findings.push(destructive('leaves the sandbox'));
  if (writes.test(tool)) {
    findings.push(elevated('changes files'));
    findings.push(...paths.flatMap((path) => writeRisk(path, place)));
  } else if (reads.test(tool)) findings.push(...paths.flatMap((path) => readRisk(path, place)));
  else {
    // A path in a tool that nobody knows may be written to.
    findings.push(...paths.flatMap((path) => writeRisk(path, place)).filter(({ level }) => level === 'destructive'));
    if (worse.test(tool)) findings.push(destructive(`${tool.slice(0, 60)} takes something away`));
    else if (!quiet.test(tool) && !commandFields.some((name) => name in fields)) findings.push(elevated(`uses ${tool.slice(0, 60)}`));
  }
  return worst(findings);
}

/** The files of a patch, as codex names them. */
function changedPaths(changes: unknown): { text: string; dynamic: boolean }[] {
  if (!Array.isArray(changes)) return [];
  return changes.flatMap((change: unknown) => {
    const path = typeof change === 'object' && change !== null ? (change as Record<string, unknown>)['path'] : undefined;
    return typeof path === 'string' ? [{ text: path, dynamic: false }] : [];
  });
}

function commandIn(value: unknown, projectPath: string): Finding[] {
  if (typeof value === 'string') return commandRisk(value, projectPath);
  if (!Array.isArray(value)) return value === undefined ? [] : [destructive('has a command that can not be read')];
  const words = value.filter((word) => typeof word === 'string');
  return words.length === value.length ? argumentsRisk(words, projectPath) : [destructive('has a command that can not be read')];
}
