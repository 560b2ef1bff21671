/** The wrapper's exit codes when it did not come to start the agent. */
export const wrapperCodes = { cannotWrite: 73, claimed: 75 } as const;

/**
 * The wrapper of every agent: a constant, to which all values come as arguments. Its own folder is the journal.
 *
 *     sh -c <script> holdfast <poll seconds, or ''> <agent's PATH> <agent's folder> <file> [arguments…]
 *
 * Each pid is written by its own process before that goes on, so no agent ever runs unidentified: where a pid file cannot
 * be written (a full disk), the script ends with a code of its own. `trap :` and not `trap ''`, since an ignored
 * signal would be inherited. `pending` exists so that the exit can be told by a rename, which needs no room on the disk.
 * The agent gets the umask, PATH and folder that it would have had without us. At the end `tail` is signalled only
 * while it is still our child: it may have ended long ago, and its number may be someone else's. The wrapper's own
 * words go to `err` until the agent starts; after that they would only be the shell's "Killed" and "Terminated". (Some shells
 * open the redirections of a command in themselves and hold them while it runs: hence those inside,
 * and before the pid is told: from then on, ending `tail` is end of input and nothing else.) `kill -9`, since a
 * fork that has not yet dropped our trap would swallow a TERM.
 */
export const wrapperScript = `
mask=$(umask); umask 077; trap : TERM INT HUP
fail() { mv pending exit.${wrapperCodes.cannotWrite} 2>/dev/null; exit ${wrapperCodes.cannotWrite}; }
mkdir claim 2>/dev/null || { [ -d claim ] && exit ${wrapperCodes.claimed}; exit ${wrapperCodes.cannotWrite}; }
exec 2>>err
poll=$1; path=$2; shift 2
echo $$ >sh.t && mv sh.t sh && : >pending && mkfifo p || fail
tail -c +1 \${poll:+-s "$poll"} -f in >p & t=$!
echo $t >tail.t && mv tail.t tail || { kill -9 $t; fail; }
exec 2>/dev/null
sh -c '
  exec <p >>out 2>>err
  echo $$ >agent.t && mv agent.t agent || exit ${wrapperCodes.cannotWrite}
  umask "$0"; PATH=$1; cd -- "$2" || exit 126
  shift 2; unset OLDPWD; exec "$@"
' "$mask" "$path" "$@"
c=$?
mv pending exit.$c
if [ -r /proc/$t/status ]; then parent=$(sed -n 's/^PPid:[^0-9]*//p' /proc/$t/status)
else parent=$(ps -o ppid= -p $t); fi
[ "\${parent:-0}" -eq $$ ] && kill $t
[ -e agent ] || exit ${wrapperCodes.cannotWrite}
exit 0
`;
