/** Lines that tmux keeps of what has scrolled out. */
export const historyLines = 5_000;

/**
 * Runs in the terminal around the program, for as long as the terminal lives: tmux drops output that it has not passed on when the
 * process of a pane ends. It marks in the output where the program begins (`+pid`) and ends (`=code`), and then waits for the end.
 * `trap :`, since ^C goes to it too. Its shell's own words ("Killed") are no output. The code is told by a rename, which needs no room
 * on the disk.
 */
export const shim = `
exec 3>&2 2>/dev/null; trap : INT QUIT
folder=$1; nonce=$2; shift 2
[ $# -gt 0 ] && set -- "\${SHELL:-/bin/sh}" -c "$1" || set -- "\${SHELL:-/bin/sh}" -l
sh -c 'printf "\\033]7770;%s;+%s\\033\\\\" "$0" "$$"; exec "$@" 2>&3 3>&-' "$nonce" "$@"
c=$?
mv "$folder/running" "$folder/code.$c"
printf '\\033]7770;%s;=%s\\033\\\\' "$nonce" "$c"
while :; do sleep 3600; done
`.trim();

/**
 * Passes on what tmux prints. tmux itself would be mute for ever after one write that failed; this waits until there is room on the
 * disk, and goes on with the byte where it broke off. tmux is stopped meanwhile, since it would keep what it reads in memory, and
 * the program waits with its next output. What tmux prints has no NUL, and in the C locale a shell's variable holds any other byte.
 */
export const copier = `
server=$1; unset PERL5OPT PERL5LIB PERL_UNICODE
command -v perl >/dev/null && exec perl -e '
  while ($read = sysread STDIN, $chunk, 65536) {
    ($done, $waits) = (0, 0);
    while ($done < $read) {
      $count = syswrite STDOUT, $chunk, $read - $done, $done;
      if (defined $count) { $done += $count } else { $waits = kill "STOP", @ARGV; select undef, undef, undef, 0.2 }
    }
    kill "CONT", @ARGV if $waits;
  }' $server
# The same without perl, a millisecond of forks for each piece.
end=0
while chunk=$(dd bs=65536 count=1 2>/dev/null; echo .); [ "$chunk" != . ]; do
  chunk=\${chunk%.}; end=$((end + \${#chunk})); waits=
  until printf %s "$chunk" 2>/dev/null; do
    waits=1; kill -STOP $server; sleep 0.2
    chunk=$(printf %s "$chunk" | tail -c $((end - $(wc -c <out))); echo .); chunk=\${chunk%.}
  done
  [ -z "$waits" ] || kill -CONT $server
done
`.trim();

/**
 * The program of a terminal's incarnation: a tmux server of its own in the foreground, so that all of it descends from us on
 * every system, and a client in control mode between the journal's `in` and `out`. The socket's path is relative: long
 * folders do not fit into the address of a socket. When the client ends, so does the server, and the exit code is the program's.
 * `pause-after`: a client that is 5 minutes behind is sent away without it, and the copier may wait for longer. In seconds, 46 days.
 */
export const script = `
tmux=$1; folder=$2; nonce=$3; name=$4; cols=$5; rows=$6; project=$7; shim=$8; copier=$9; shift 9
cd -- "$folder" && (umask 077; : >running) || exit 126
# A service has no locale, and programs would take each byte for a character.
if [ -z "\${LC_ALL-}\${LC_CTYPE-}\${LANG-}" ]; then
  case $(uname) in Darwin) export LC_CTYPE=UTF-8 ;; *) export LANG=C.UTF-8 ;; esac
fi
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
"$tmux" -N -u -C -S tmux new-session -f pause-after=4000000 -s "$name" -x "$cols" -y "$rows" -c "$project" \\
  env -u TMUX -u TMUX_PANE /bin/sh -c "$shim" holdfast "$folder" "$nonce" "$@" | {
    # With a copier that was killed tmux would wait for ever to be read.
    if LC_ALL=C sh -c "$copier" holdfast $server; then kill $server; else kill -9 $server; fi
  } 2>/dev/null
wait
# Without a code the program was hung up on.
set -- code.*; [ -e "$1" ] || exit 129
exit "\${1#code.}"
`;
