import { IDENTITY } from '../process/process-script.ts'

/**
 * A worker that uses the CPU: `percent` of one core, in turns of a second. It looks at its lease several hundred times a second.
 */
export const BURNER = String.raw`
percent=$1
burn() { turns=0; while [ "$turns" -lt 2000 ]; do turns=$((turns + 1)); done; }
at_work
if [ "$percent" -ge 100 ]; then
  while go_on; do burn; done
fi
rest=$((100 - percent)) whole=
case $rest in ?) rest=0$rest ;; esac
sleep 0.01 2>/dev/null || whole=1 # this sleep knows whole seconds only: the turns are longer
while go_on; do
  turn=$((clock + (whole ? percent * 100 / (100 - percent) : percent)))
  while clock; [ "$clock" -lt "$turn" ] && [ -e "$lease/file.go" ]; do burn; done
  sleep "\${whole:-0.$rest}"
done
finish
`.replaceAll('\\$', '$')

/** Prints the facts of a host that CPU pressure needs. */
export const CPU_SURVEY_SCRIPT = String.raw`${IDENTITY}
command -v setsid >/dev/null || command -v perl >/dev/null || printf 'missing\tsetsid\n'
[ -r /proc/stat ] && [ -r /proc/uptime ] || printf 'missing\t/proc\n'
cores=$(nproc 2>/dev/null) || cores=$(grep -c '^processor' /proc/cpuinfo)
printf 'cores\t%s\nonline\t%s\n' "$cores" "$(grep -c '^cpu[0-9]' /proc/stat)"
quota() { # of our group and of those above it; hundredths of a core, the smallest
  path=$2 least=
  while :; do
    limit= period=
    if [ -r "$1$path/cpu.max" ]; then read -r limit period <"$1$path/cpu.max"
    elif [ -r "$1$path/cpu.cfs_quota_us" ]; then
      read -r limit <"$1$path/cpu.cfs_quota_us"; read -r period <"$1$path/cpu.cfs_period_us"
    fi
    case $limit in '' | max | -*) ;; *)
      share=$((limit * 100 / period))
      [ -n "$least" ] && [ "$least" -le "$share" ] || least=$share ;;
    esac
    case $path in '' | / | */..*) break ;; esac
    path=\${path%/*}
  done
  [ -z "$least" ] || printf 'quota\t%s\n' "$least"
} 2>/dev/null
while IFS=: read -r _ kinds path; do
  case $kinds in
  '') quota /sys/fs/cgroup "$path" ;;
  cpu | cpu,* | *,cpu | *,cpu,*) quota /sys/fs/cgroup/cpu "$path" ;;
  esac
done </proc/self/cgroup
exit 0
`.replaceAll('\\$', '$')

/**
 * `lease wait`: prints `idle` and `total` of all cores and `own`, the workers' CPU time, in hundredths of a second, and once more
 * after `wait` tenths of a second, as `idle2`, `total2`, `own2`; and `clock`, `clock2`, the time in hundredths of a second.
 */
export const CPU_MEASURE_SCRIPT = String.raw`${IDENTITY}
look() {
  own=0
  for file in "$1"/worker.*; do
    pid= then=
    { read -r pid then <"$file"; } 2>/dev/null || continue
    state_of "$pid" && [ "$start" = "$then" ] && own=$((own + cpu))
  done
  read -r _ user nice system idle iowait irq softirq steal rest </proc/stat
  read -r up rest </proc/uptime
  printf 'idle%s\t%s\n' "$2" "$((idle + iowait))"
  printf 'total%s\t%s\n' "$2" "$((user + nice + system + idle + iowait + irq + softirq + \${steal:-0}))"
  printf 'own%s\t%s\nclock%s\t%s\n' "$2" "$own" "$2" "\${up%.*}\${up#*.}"
}
look "$1" ''
sleep "$(($2 / 10)).$(($2 % 10))" 2>/dev/null || sleep 1
look "$1" 2
`.replaceAll('\\$', '$')
