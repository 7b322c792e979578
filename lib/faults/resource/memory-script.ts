import { HOST_CLOCK } from '../../hosts/index.ts'
import { MARKED } from '../process/worker-script.ts'

/**
 * `find_limits` finds the control groups that limit the memory of this process, and `avail` sets `$avail`: KiB that can be taken
 * without swapping, by the machine and by these groups.
 */
const AVAILABLE = String.raw`
limits=
find_limits() {
  while IFS=: read -r _ kinds path; do
    case $kinds in
    '') base=/sys/fs/cgroup ;;
    memory | memory,* | *,memory | *,memory,*) base=/sys/fs/cgroup/memory ;;
    *) continue ;;
    esac
    while :; do
      if [ -r "$base$path/memory.max" ] || [ -r "$base$path/memory.limit_in_bytes" ]; then limits="$limits$base$path
"; fi
      case $path in '' | / | */..*) break ;; esac
      path=\${path%/*}
    done
  done </proc/self/cgroup
} 2>/dev/null
room_in() { # a control group: KiB in $room; fails where it does not limit
  room= limit= used= old=0
  if [ -r "$1/memory.max" ]; then read -r limit <"$1/memory.max"; read -r used <"$1/memory.current"; sum=inactive_file
  else read -r limit <"$1/memory.limit_in_bytes"; read -r used <"$1/memory.usage_in_bytes"; sum=total_inactive_file; fi
  case $limit in '' | max) return 1 ;; esac
  [ "$limit" -lt 4611686018427387904 ] || return 1
  while read -r key value; do [ "$key" != "$sum" ] || { old=$value; break; }; done <"$1/memory.stat"
  room=$(((limit - used + old) / 1024))
} 2>/dev/null
avail() {
  avail=
  while read -r key value rest; do [ "$key" != MemAvailable: ] || { avail=$value; break; }; done </proc/meminfo
  [ -n "$avail" ] || return 1
  old_ifs=$IFS; IFS='
'
  set -- $limits; IFS=$old_ifs
  for limited; do
    if room_in "$limited" && [ "$room" -lt "$avail" ]; then avail=$room; fi
  done
}
`

/** Prints how much memory a host can give, in KiB, and what it lacks. */
export const MEMORY_SURVEY_SCRIPT = String.raw`${AVAILABLE}
command -v setsid >/dev/null || command -v perl >/dev/null || printf 'missing\tsetsid\n'
for tool in head tail mkfifo; do command -v "$tool" >/dev/null || printf 'missing\t%s\n' "$tool"; done
find_limits
avail || printf 'missing\tMemAvailable in /proc/meminfo\n'
printf 'available\t%s\nlimited\t%s\n' "\${avail:-0}" "\${limits:+yes}"
`.replaceAll('\\$', '$')

/**
 * A worker that takes memory: `reserve` and `most` in KiB. It takes pieces until no more than the reserve is available (or it has
 * the most), looks five times a second, and gives pieces back as soon as less than the reserve is. A piece is a `tail` that holds
 * the last bytes of an input that does not end before the worker does. When memory runs out, the kernel takes the pieces first.
 */
export const EATER = String.raw`${AVAILABLE}${HOST_CLOCK}
reserve=$1 most=$2
find_limits
avail || exit 73
echo 1000 >/proc/self/oom_score_adj
mkfifo "$lease/hold.$name" && exec 9<>"$lease/hold.$name" 8<"$lease/hold.$name" || exit 73
rm -f "$lease/hold.$name"
# Its input is open for as long as we live: only we have the other end.
piece='{ head -c "$2" /dev/zero; : >"$3"; exec cat <&8; } | { exec 8<&-; exec tail -c "$2" >/dev/null; }'
pieces= taken=0 count=0 calm=0
take() { # KiB
  count=$((count + 1))
  (own_session sh -c "$piece" failover-worker "$lease" "$(($1 * 1024))" "$lease/full.$name.$count") 9>&- >/dev/null 2>&1 &
  pieces="$!:$1 $pieces" taken=$((taken + $1))
  # What is on its way is not yet seen in what is available.
  until [ -e "$lease/full.$name.$count" ]; do
    go_on && kill -0 "$!" 2>/dev/null || break
    sleep 0.02 2>/dev/null || sleep 1
  done
  rm -f "$lease/full.$name.$count"
}
give() { # the piece taken last
  last=\${pieces%% *} pieces=\${pieces#* }
  taken=$((taken - \${last#*:}))
  kill_group "\${last%:*}"
  wait "\${last%:*}" 2>/dev/null
  back=$((back + 1)) calm=$((clock + 300))
}
count_living() { # the kernel may have taken some
  left= taken=0
  for each in $pieces; do
    state_of "\${each%:*}" || continue
    left="$left$each " taken=$((taken + \${each#*:}))
  done
  pieces=$left
}
ready= back=0 least=$((8 * 1024))
step=$(((avail - reserve) / 16))
[ "$step" -ge "$least" ] || step=$least
[ "$step" -le 1048576 ] || step=1048576
while go_on; do
  count_living
  avail
  free=$((avail - reserve)) more=$((most - taken))
  [ "$more" -ge "$free" ] || free=$more
  [ "$step" -ge "$free" ] || free=$step
  if [ "$avail" -lt "$reserve" ] && [ -n "$pieces" ]; then give
  elif [ "$free" -ge "$least" ] && [ "$clock" -ge "$calm" ] && [ "$count" -lt 500 ]; then take "$free"; continue
  elif [ -z "$ready" ]; then ready=1; at_work; fi
  printf '%s %s %s\n' "$taken" "$avail" "$back" >"$lease/told.$name"
  nap 2
done
for each in $pieces; do kill_group "\${each%:*}"; done
finish
`.replaceAll('\\$', '$')

/** `mark`: prints `available`, and `held`: resident memory of all processes with that mark in their environment; KiB. */
export const MEMORY_MEASURE_SCRIPT = String.raw`${AVAILABLE}${MARKED}
find_limits
avail
held=0
for pid in $(marked "$1"); do
  while read -r key value rest; do [ "$key" != VmRSS: ] || { held=$((held + value)); break; }; done <"/proc/$pid/status"
done 2>/dev/null
printf 'available\t%s\nheld\t%s\n' "$avail" "$held"
`.replaceAll('\\$', '$')
