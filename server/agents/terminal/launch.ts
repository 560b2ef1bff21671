import type { LaunchRequest, LaunchSpec } from '../driver.ts';
import { AppError } from '../../platform/app-error.ts';

/** Lines that tmux keeps of what has scrolled out. */
export const historyLines = 5_000;
/** Begins and ends a mark of the shim: a control string that no terminal knows, and that all ignore. */
export const markStart = (nonce: string): string => `\x1b]7770;${nonce};`;
export const markEnd = '\x1b\\';

/**
 * Runs in the terminal around the program, for as long as the terminal lives: tmux drops output that it has not passed on when the
 * process of a pane ends. It marks in the output where the program begins (`+pid`) and ends (`=code`), and then waits for the end.
 * `trap :`, since ^C goes to it too. Its shell's own words ("Killed") are no output.
 */
const shim = `
exec 3>&2 2>/dev/null; trap : INT QUIT
folder=$1; nonce=$2; shift 2
[ $# -gt 0 ] && set -- "\${SHELL:-/bin/sh}" -c "$1" || set -- "\${SHELL:-/bin/sh}" -l
sh -c 'printf "\\033]7770;%s;+%s\\033\\\\" "$0" "$$"; exec "$@" 2>&3 3>&-' "$nonce" "$@"
c=$?
(umask 077; echo $c >"$folder/code")
printf '\\033]7770;%s;=%s\\033\\\\' "$nonce" "$c"
while :; do sleep 3600; done
`.trim();

/**
 * The program of a terminal's incarnation: a tmux server of its own in the foreground, so that all of it descends from us on
 * every system, and a client in control mode between the journal's `in` and `out`. The socket's path is relative: long
 * folders do not fit into the address of a socket. When the client ends, so does the server, and the exit code is the program's.
 */
const script = `
tmux=$1; folder=$2; nonce=$3; name=$4; cols=$5; rows=$6; project=$7; shim=$8; shift 8
cd -- "$folder" || exit 126
"$tmux" -D -f /dev/null -S tmux </dev/null >/dev/null & server=$!
tries=0
until "$tmux" -N -S tmux set-option -s exit-empty off \\; set-option -s set-clipboard off \\; set-option -g status off \\; \\
  set-option -g default-terminal xterm-256color \\; set-option -g history-limit ${historyLines} \\; set-option -g automatic-rename off \\; \\
  set-option -g update-environment '' 2>/dev/null
do
  kill -0 $server 2>/dev/null || { echo 'tmux 3.2 or newer is needed; see GET /api/agents.' >&2; exit 69; }
  tries=$((tries + 1)); [ $tries -lt 500 ] || exit 75
  sleep 0.02
done
"$tmux" -N -u -C -S tmux new-session -s "$name" -x "$cols" -y "$rows" -c "$project" \\
  env -u TMUX -u TMUX_PANE /bin/sh -c "$shim" holdfast "$folder" "$nonce" "$@"
"$tmux" -N -S tmux kill-server 2>/dev/null
wait
# Without a code the program was hung up on.
exit "$(cat code 2>/dev/null || echo 129)"
`;

/** How a terminal is started. */
export function launch({ agentSessionId, projectPath, command, terminal }: LaunchRequest): LaunchSpec {
  if (!terminal) throw new AppError('internal', 'A terminal was launched as something else.');
  const { folder, name, cols, rows } = terminal;
  const program = terminal.command === null ? [] : [argument(terminal.command)];
  // tmux expands #{…} and #(…) in a folder's name.
  const project = argument(projectPath.replaceAll('#', '##'));
  const args = ['-c', script, 'holdfast', command, folder, agentSessionId, name, String(cols), String(rows), project, shim, ...program];
  return { file: '/bin/sh', args, env: {} };
}

/** tmux takes a semicolon at the end of an argument for the end of a command. */
function argument(text: string): string {
  return text.endsWith(';') ? `${text.slice(0, -1)}\\;` : text;
}
