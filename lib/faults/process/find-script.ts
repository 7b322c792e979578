import { IDENTITY } from './process-script.ts'

/** A word that every search has on its command line, so that no search ever finds another. */
export const SEARCH = 'failover-search'

/** A word that every worker of a fault has on its command line. */
export const WORKER_WORD = 'failover-worker'

/** Sets `$ours` to this shell and everything that started it: sudo, the SSH session, the server itself. */
const OURS = String.raw`
ours=" $$ " parent=$$
while state_of "$parent" && [ "\${parent:-0}" -gt 1 ]; do ours="$ours$parent "; done
`.replaceAll('\\$', '$')

/**
 * `pattern leases group pids brief`: prints the processes whose command line matches an extended regular expression, one line each, with tabs
 * between `match`, pid, start time, mark, process group, program, and command line. Instead of `match` it says
 * `spared: <why>` for what is never touched. Of leases, their workers and other searches it says nothing. If nothing matches, it prints what comes near, as `near`, else some, as `other`.
 * With `group` not empty, the other members of the process groups of matches match, too. Kernel threads are left out.
 * With `pids`, only these are looked at. With `brief` not empty, nothing but matches is printed.
 */
export const FIND_SCRIPT = String.raw`# ${SEARCH}
${IDENTITY}
pattern=$1 leases=$2 whole=$3 all=\${4-} brief=\${5-}
printf '' | grep -E -- "$pattern" >/dev/null; [ $? -le 1 ] || exit 64
${OURS}
if [ -n "$all" ]; then :
elif [ -r /proc/self/stat ]; then all=$(cd /proc && printf '%s\n' [0-9]*); else all=$(ps -A -o pid=); fi
found= lines=
for pid in $all; do
  state_of "$pid" && [ "$size" != 0 ] || continue
  facts="$pid $start $group $parent"
  command_of "$pid"
  # Searches, leases and their workers have patterns on their command lines, too.
  case $command in '' | *${SEARCH}* | *${WORKER_WORD}* | *"$leases"/*) continue ;; esac
  found="$found$facts
" lines="$lines$command
"
done
which() { printf '%s' "$lines" | grep -n "$@" | cut -d : -f 1; } # numbers of the lines that match
show() { # what, numbers
  for number in $2; do
    set -- "$1" "$2" $(printf '%s' "$found" | sed -n "$number"p)
    command=$(printf '%s' "$lines" | sed -n "$number"p)
    what=$1
    [ "$6" != "$$" ] || continue # a child of this search
    if [ "$1" = match ]; then
      case $ours in *" $3 "*) what='spared: our own connection, or what started it' ;; esac
      [ "$3" != 1 ] || what='spared: the first process'
    fi
    mark_of "$3" && [ "$mark" != - ] || continue
    program=$(readlink "/proc/$3/exe" 2>/dev/null)
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$what" "$3" "$4" "$mark" "$5" "$program" "$command"
  done
}
matches=$(which -E -- "$pattern")
if [ -n "$whole" ] && [ -n "$matches" ]; then
  groups=' ' number=0
  for match in $matches; do
    set -- $(printf '%s' "$found" | sed -n "$match"p)
    groups="$groups$3 "
  done
  matches=
  while read -r pid start group parent; do
    number=$((number + 1))
    case $groups in *" $group "*) matches="$matches $number" ;; esac
  done <<END
$found
END
fi
show match "$matches"
[ -n "$matches$brief" ] || {
  near=$(which -iE -- "$pattern" | head -n 20)
  if [ -n "$near" ]; then show near "$near"; else show other "$(which -v '^\[' | tail -n 20)"; fi
}
exit 0
`.replaceAll('\\$', '$')
