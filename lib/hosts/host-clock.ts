/**
 * POSIX sh functions that tell time and processes of a host apart, for scripts that must outlive steps of its clock, reboots and
 * reused process ids. They need nothing but the shell, and `date` where there is no `/proc`.
 *
 * `clock` sets `$clock` (hundredths of a second) and `$timed`: `uptime` where `/proc/uptime` can be read, which steps of the clock
 * do not touch; else `wall`. `boot` sets `$boot`, which differs after a reboot of the host, and of a container.
 * `started PID` sets `$started`, the start time of a process (`none` where there is no `/proc`), and fails where it is gone or
 * dead. `is_alive PID.START` tells whether that very process lives.
 */
export const HOST_CLOCK = String.raw`
clock() {
  if read -r clock_up clock_rest </proc/uptime; then
    clock=$((\${clock_up%.*} * 100 + 1\${clock_up#*.} - 100)) timed=uptime
  else clock=$(($(date +%s) * 100)) timed=wall; fi
} 2>/dev/null
boot() {
  read -r boot </proc/sys/kernel/random/boot_id || boot=none
  if started 1; then boot=$boot.$started; fi
} 2>/dev/null
started() {
  if [ -r /proc/self/stat ]; then
    started=
    read -r stat <"/proc/$1/stat" || return 1
    set -- \${stat##*) }
    case $1 in Z | X) return 1 ;; esac
    started=\${20}
  else kill -0 "$1" || return 1; started=none; fi
} 2>/dev/null
is_alive() { [ -n "\${1%%.*}" ] && started "\${1%%.*}" && [ "$started" = "\${1#*.}" ]; }
`.replaceAll('\\$', '$')
