import { HOST_CLOCK } from '../../hosts/index.ts'
import { WORKER_WORD } from './find-script.ts'
import { IDENTITY } from './process-script.ts'

/** Every worker, and whatever it starts, has `FAILOVER_WORKER=<name of the lease>;` in its environment. */
export const WORKER_VARIABLE = 'FAILOVER_WORKER'

/** File of a lease, laid there at arming, that its workers need: they end when it goes. Removing it works on a full disk, too. */
export const GO_FILE = 'go'

/**
 * `marked TEXT` prints the pids of processes with a variable that begins so. Not every grep sees what comes after a NUL.
 * `is_marked PID TEXT` tells it of one. `kill_group PID` kills a process group, in every dialect of kill.
 */
export const MARKED = String.raw`
marked() {
  if printf 'a\0b' | grep -qF b; then
    grep -lF "$1" /proc/[0-9]*/environ | sed 's|^/proc/||; s|/environ$||'
  else
    for environ in /proc/[0-9]*/environ; do echo "=$environ"; tr '\0' '\n' <"$environ"; done |
      sed -n "/^=.proc.[0-9]*.environ\$/{h;d;}; /^$1/{g;s/[^0-9]//g;p;}"
  fi
} 2>/dev/null
is_marked() { tr '\0' '\n' <"/proc/$1/environ" | grep -q "^$2"; } 2>/dev/null
kill_group() { kill -s KILL -- "-$1" || kill -KILL "-$1"; } 2>/dev/null
`

/** `own_session COMMAND…` replaces the shell by a command that leads a session of its own. */
const OWN_SESSION = String.raw`
own_session() {
  if command -v setsid >/dev/null; then exec setsid "$@"; fi
  exec perl -e 'use POSIX; POSIX::setsid(); exec @ARGV' "$@"
}
`

/**
 * Starts workers and waits until each says that it is at work: `program lease name count nice wait` and the workers' own arguments.
 * `wait` is in tenths of a second. Fails with what a worker said.
 */
export const START_SCRIPT = String.raw`${OWN_SESSION}
program=$1 lease=$2 name=$3 count=$4 nice=$5 wait=$6; shift 6
[ -e "$lease/file.${GO_FILE}" ] || { echo 'the lease is not in force' >&2; exit 75; }
number=0
while [ "$number" -lt "$count" ]; do
  number=$((number + 1))
  (
    ${WORKER_VARIABLE}="\${lease##*/};"; export ${WORKER_VARIABLE}
    own_session nice -n "$nice" sh -c "$program" ${WORKER_WORD} "$lease" "$name.$number" "$@"
  ) </dev/null >/dev/null 2>"$lease/log.$name.$number" &
done
number=0 tries=0
while [ "$number" -lt "$count" ]; do
  if [ -e "$lease/ready.$name.$((number + 1))" ]; then number=$((number + 1)); continue; fi
  for log in "$lease/log.$name".*; do
    [ ! -s "$log" ] || { cat "$log" >&2; exit 1; }
  done
  [ -e "$lease/file.${GO_FILE}" ] || { echo 'the lease has ended meanwhile' >&2; exit 75; }
  tries=$((tries + 1)); [ "$tries" -le "$wait" ] || { echo "worker $((number + 1)) of $count did not get to work" >&2; exit 1; }
  sleep 0.1 2>/dev/null || { sleep 1; tries=$((tries + 9)); }
done
`.replaceAll('\\$', '$')

/**
 * How every worker begins: `lease name limit` (seconds that it lives at most), then its own arguments. It writes its pid and start
 * time into the lease before it does anything, so that an undo finds it. `go_on` fails when it is time to end: when the lease is
 * undone, gone or not renewed, or the limit is reached. `at_work` tells that it has begun; `finish` ends it and all it started.
 */
export const WORKER = String.raw`${IDENTITY}${HOST_CLOCK}${OWN_SESSION}${MARKED}
umask 077
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
lease=$1 name=$2 limit=$3; shift 3
trap '' HUP INT
cd / && state_of "$$" || exit 73
printf '%s %s\n' "$$" "$start" >"$lease/new.$name" && mv -f "$lease/new.$name" "$lease/worker.$name" || exit 73
clock; end=$((clock + limit * 100)) due=$((clock + 200))
go_on() {
  [ -e "$lease/file.${GO_FILE}" ] || return 1
  clock
  [ "$clock" -lt "$end" ] || return 1
  [ "$clock" -ge "$due" ] || return 0
  due=$((clock + 200))
  case $(sh "$lease/lease.sh" status 2>/dev/null) in held* | unwatched*) ;; *) return 1 ;; esac
}
at_work() { : >"$lease/ready.$name"; }
finish() { kill_group "$$"; exit 0; }
nap() { sleep "0.$1" 2>/dev/null || sleep 1; } # tenths of a second
go_on || exit 75
`

/**
 * Undo of all workers of a lease, and of files that they may not have come to hide in a directory (`$1`, or nothing): none can begin any more, and those that are there are killed, with all that they started. It
 * knows them by what they wrote into the lease, and by the environment that they cannot lose.
 */
export const END_SCRIPT = String.raw`${IDENTITY}${MARKED}
own="${WORKER_VARIABLE}=\${LEASE##*/};"
rm -f "$LEASE/file.${GO_FILE}"
tries=0
while :; do
  left=
  for file in "$LEASE"/worker.*; do
    pid= then=
    { read -r pid then <"$file"; } 2>/dev/null || continue
    state_of "$pid" && [ "$start" = "$then" ] || continue
    left="$left $pid"
    kill_group "$pid" || kill -s KILL "$pid" 2>/dev/null
  done
  for pid in $(marked "$own"); do
    state_of "$pid" && is_marked "$pid" "$own" || continue
    left="$left $pid"
    kill -s KILL "$pid" 2>/dev/null
  done
  [ -n "$left" ] || break
  tries=$((tries + 1)); [ "$tries" -le 500 ] || { echo "these workers do not end:$left" >&2; exit 1; }
  sleep 0.02 2>/dev/null || sleep 1
done
rm -f "$LEASE"/worker.* "$LEASE"/ready.* "$LEASE"/log.* "$LEASE"/new.* "$LEASE"/told.* "$LEASE"/full.* "$LEASE"/hold.*
[ -z "$1" ] || rm -f -- "$1"/.failover-*-"\${LEASE##*/}"-*
`.replaceAll('\\$', '$')

/**
 * `lease`: prints one line per worker, with tabs between `worker`, name, pid, `alive` or `gone`, and its CPU time in hundredths of
 * a second; `process` and pid for each process that is a worker's or was started by one; `log`, name and text for what
 * it said; and `told`, name and text for what it wrote for us.
 */
export const WORKERS_SCRIPT = String.raw`${IDENTITY}${MARKED}
for file in "$1"/worker.*; do
  pid= then= life=alive
  { read -r pid then <"$file"; } 2>/dev/null || continue
  { state_of "$pid" && [ "$start" = "$then" ]; } || life=gone
  printf 'worker\t%s\t%s\t%s\t%s\n' "\${file##*/worker.}" "$pid" "$life" "\${cpu:-0}"
done
for pid in $(marked "${WORKER_VARIABLE}=\${1##*/};"); do
  ! state_of "$pid" || printf 'process\t%s\n' "$pid"
done
for kind in log told; do
  for file in "$1/$kind".*; do
    [ -s "$file" ] || continue
    printf '%s\t%s\t%s\n' "$kind" "\${file##*/$kind.}" "$(tail -c 2000 "$file" | tr '\n\t' '  ')"
  done
done
`.replaceAll('\\$', '$')
