import { SEARCH, WORKER_WORD } from './find-script.ts'

/**
 * A worker that kills a process again whenever it is started again. Arguments: hundredths of a second from one kill to the next,
 * how often (0: until it is ended), an extended regular expression or nothing, the program that a match must run or nothing, the
 * command line to begin with, and its mark. Without an expression only that very command line is meant.
 *
 * It looks at processes that it has not seen yet, so that a look is cheap, and at young ones again, since what was started may yet
 * become another program. What it killed it tells: count, last pid, start time.
 */
export const KILLER = String.raw`
every=$1 times=$2 pattern=$3 wanted_program=$4 wanted_command=$5 wanted_mark=$6
known=' ' count=1
[ -e "$wanted_program" ] || wanted_program=
clock; begun=$clock last=$((every > 0 ? clock : -1000)) # the first was killed before we began
is_meant() { # the process $pid
  [ "$pid" -gt 1 ] && [ "$pid" != "$$" ] || return 1
  [ -z "$wanted_program" ] || [ ! -e /proc/self/exe ] || [ "/proc/$pid/exe" -ef "$wanted_program" ] || return 1
  command_of "$pid"
  case $command in '' | *${WORKER_WORD}* | *${SEARCH}* | *"\${lease%/*}"/*) return 1 ;; esac
  if [ -n "$pattern" ]; then printf '%s\n' "$command" | grep -Eq -- "$pattern"
  else [ "$command" = "$wanted_command" ] && mark_of "$pid" && [ "$mark" = "$wanted_mark" ]; fi
} 2>/dev/null
strike() {
  found=$start
  state_of "$pid" && [ "$start" = "$found" ] && kill -s KILL "$pid" || return 1
  count=$((count + 1)) last=$clock
  printf '%s %s %s\n' "$count" "$pid" "$start" >"$lease/told.$name"
}
look() { # struck whatever is meant, if it is time for it
  struck=
  seen=' '
  for pid in /proc/[0-9]*; do
    pid=\${pid#/proc/}
    state_of "$pid" && [ "$size" != 0 ] || continue
    program=\${stat#*(}; program=\${program%)*}
    key="$pid/$start/$program"
    case $known in *" $key "*) seen="$seen$key "; continue ;; esac
    # Those that were there long before are what the survey has looked at.
    if [ "$start" -gt "$((begun - 3000))" ] && is_meant; then strike && struck=1
    elif [ $((clock - start)) -gt 300 ]; then seen="$seen$key "; fi
  done
  known=$seen
}
look_by_ps() {
  struck=
  for pid in $(ps -A -o pid= -o args= | grep -F -e "\${wanted_command:-.}" \${pattern:+-e ''} | sed 's/^ *\([0-9]*\).*/\1/'); do
    is_meant && state_of "$pid" && strike && struck=1
  done
}
at_work
while go_on; do
  if [ "$times" != 0 ] && [ "$count" -ge "$times" ]; then nap 5; continue; fi # done, and not dead
  if [ $((clock - last)) -ge "$every" ]; then
    if [ -r /proc/self/stat ]; then look; else look_by_ps; fi
  fi
  nap 1
done
finish
`.replaceAll('\\$', '$')
