/** Exit code of {@link SIGNAL_SCRIPT}: the pid belongs to another process than the one that was meant. */
export const NOT_THAT_PROCESS = 65

/**
 * Functions of POSIX sh that tell processes apart; `/proc` where there is one, else `ps`.
 *
 * `state_of PID` sets `$state $parent $group $start $cpu $size`: `$start` is when it started, `$cpu` its CPU time in hundredths of
 * a second, `$size` its address space (0 for threads of the kernel); it fails if the process is gone, or dead and not yet reaped.
 * `mark_of PID` sets `$mark`, which tells its command line from another. No process is started for the first.
 */
export const IDENTITY = String.raw`
state_of() {
  state= parent= group= start= cpu= size=
  if [ -r /proc/self/stat ]; then
    stat=
    read -r stat <"/proc/$1/stat" || [ -n "$stat" ] || return 1
    set -f; set -- "$1" \${stat##*) }; set +f
    if [ $# -lt 30 ]; then # a name may hold line breaks
      stat=$(cat "/proc/$1/stat") || return 1
      set -f; set -- "$1" \${stat##*) }; set +f
    fi
    state=$2 parent=$3 group=$4 cpu=$((\${13} + \${14})) start=\${21} size=\${22}
  else
    state=$(ps -o state= -p "$1") || return 1
    parent=$(ps -o ppid= -p "$1") group=$(ps -o pgid= -p "$1") size=1
    start=$(ps -o lstart= -p "$1" | tr -s ' ' _) cpu=$(ps -o time= -p "$1")
    parent=\${parent##* } group=\${group##* }
  fi
  case $state in Z* | X*) return 1 ;; esac
} 2>/dev/null
mark_of() {
  if [ -r /proc/self/stat ]; then set -- $(cksum <"/proc/$1/cmdline"); else set -- $(ps -o args= -p "$1" | cksum); fi
  mark=\${1-}-\${2-}
} 2>/dev/null
command_of() { # on one line
  if [ -r /proc/self/stat ]; then command=$(tr '\0\n\t' '   ' <"/proc/$1/cmdline"); else command=$(ps -o args= -p "$1"); fi
  command=\${command% }
} 2>/dev/null
`.replaceAll('\\$', '$')

/** `pid`: prints what tells a process from a later one of the same pid, line by line: start time, mark, command line. */
export const IDENTIFY_SCRIPT = `${IDENTITY}
state_of "$1" || { echo "there is no process $1" >&2; exit ${NOT_THAT_PROCESS}; }
mark_of "$1"; command_of "$1"
printf '%s\\n%s\\n%s\\n' "$start" "$mark" "$command"
`

/**
 * `NAME (pid start mark)…`: sends a signal to exactly these processes, and waits until each has acted: KILL until it is gone, STOP
 * until it is stopped, CONT until it is not. None is touched if one of them is not the one that was meant; that is looked at again
 * right before each signal. A mark of `-` is not looked at. CONT of a process that is gone is done already.
 */
export const SIGNAL_SCRIPT = String.raw`${IDENTITY}
signal=$1; shift
several=$(($# > 3))
is_it() { state_of "$1" && [ "$start" = "$2" ] && { [ "$3" = - ] || { mark_of "$1" && [ "$mark" = "$3" ]; }; }; }
refuse() { echo "process $1 is not the one that was found" >&2; exit ${NOT_THAT_PROCESS}; }
each() { what=$1; shift; while [ $# -ge 3 ]; do "$what" "$1" "$2" "$3" || exit 1; shift 3; done; }
check() { is_it "$@" || refuse "$1"; }
hit() {
  if is_it "$@"; then kill -s "$signal" "$1"; return; fi
  case $signal.$several in
  CONT.*) echo "process $1 is gone" ;;
  KILL.1) ! state_of "$1" || refuse "$1" ;; # it went with another of them
  *) refuse "$1" ;;
  esac
}
has_acted() {
  tries=0
  while :; do
    { state_of "$1" && [ "$start" = "$2" ]; } || state=gone
    case $signal.$state in
    KILL.gone | STOP.[Tt]* | CONT.gone) return 0 ;;
    STOP.gone) refuse "$1" ;;
    CONT.[Tt]*) ;;
    CONT.*) return 0 ;;
    esac
    tries=$((tries + 1)); [ "$tries" -le 500 ] || { echo "process $1 is still in state $state" >&2; return 1; }
    sleep 0.01 2>/dev/null || sleep 1
  done
}
[ "$signal" = CONT ] || each check "$@"
each hit "$@"
each has_acted "$@"
`

/** `(pid start)…`: prints state and CPU time of each, and once more a fifth of a second later; `gone` for one that is not there. */
export const OBSERVE_SCRIPT = String.raw`${IDENTITY}
look() {
  while [ $# -ge 2 ]; do
    if state_of "$1" && [ "$start" = "$2" ]; then printf '%s %s\n' "$state" "$cpu"; else echo 'gone 0'; fi
    shift 2
  done
}
look "$@"; sleep 0.2 2>/dev/null || sleep 1; look "$@"
`
