/** Exit code of {@link SIGNAL_SCRIPT}: the pid belongs to another process than the one that was meant. */
export const NOT_THAT_PROCESS = 65

const IDENTITY = String.raw`
state_of() { # state, start time and CPU time of $1, in $state $start $cpu; fails if it is gone
  state= start= cpu=
  if [ -r /proc/self/stat ]; then
    stat=$(cat "/proc/$1/stat") || return 1 # a name may hold line breaks
    set -- \${stat##*) }
    state=$1 start=\${20} cpu=$((\${12} + \${13}))
  else
    state=$(ps -o state= -p "$1") || return 1
    start=$(ps -o lstart= -p "$1") cpu=$(ps -o time= -p "$1")
  fi
  case $state in Z* | X*) return 1 ;; esac
} 2>/dev/null
`

/** Prints what tells a process from a later one of the same pid: its start time, and on the next line its command line. */
export const IDENTIFY_SCRIPT = `${IDENTITY}
state_of "$1" || { echo "there is no process $1" >&2; exit ${NOT_THAT_PROCESS}; }
printf '%s\\n' "$start"
if [ -r /proc/self/stat ]; then tr '\\0' ' ' <"/proc/$1/cmdline"; else ps -o args= -p "$1"; fi
`.replaceAll('\\$', '$')

/**
 * `signal pid start NAME`: sends a signal to exactly that process and waits until it has acted: KILL until it is gone, STOP until
 * it is stopped, CONT until it is not. CONT of a process that is gone is done already; any other signal to a process that is
 * not the one meant is refused.
 */
export const SIGNAL_SCRIPT = `${IDENTITY}
pid=$1 meant=$2 signal=$3
is_it() { state_of "$pid" && [ "$start" = "$meant" ]; }
if ! is_it; then
  [ "$signal" = CONT ] && { echo "process $pid is gone"; exit 0; }
  echo "process $pid is not the one that was found" >&2; exit ${NOT_THAT_PROCESS}
fi
kill -s "$signal" "$pid" || exit 1
tries=0
while :; do
  is_it || state=gone
  case $signal.$state in KILL.gone | STOP.T* | STOP.t* | CONT.gone) exit 0 ;; STOP.gone) exit ${NOT_THAT_PROCESS} ;; CONT.T* | CONT.t*) ;; CONT.*) exit 0 ;; esac
  tries=$((tries + 1)); [ "$tries" -le 500 ] || { echo "process $pid is still in state $state" >&2; exit 1; }
  sleep 0.01 2>/dev/null || sleep 1
done
`.replaceAll('\\$', '$')

/** `state pid start`: prints state and CPU time, twice, a fifth of a second apart; `gone` if that process is not there. */
export const OBSERVE_SCRIPT = `${IDENTITY}
look() { if state_of "$1" && [ "$start" = "$2" ]; then printf '%s %s\\n' "$state" "$cpu"; else echo 'gone 0'; fi; }
look "$1" "$2"; sleep 0.2 2>/dev/null || sleep 1; look "$1" "$2"
`.replaceAll('\\$', '$')
