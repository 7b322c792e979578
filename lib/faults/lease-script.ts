/**
 * The host side of a lease, in POSIX sh (dash, bash, ksh, busybox). It is written into the lease's own directory and needs only
 * what is there besides `cat date kill mkdir mv rm sleep sync` and a way to start a session (`setsid`, else `perl`).
 *
 * Verbs: `arm <ttl>` `watch` `renew <ttl>` `undo <by>` `release` `status`; `<ttl>` in hundredths of a second. Time is counted on
 * the machine's uptime where there is one (`/proc/uptime`), so that steps of the clock neither end nor stretch a lease; a reboot
 * ends every lease.
 *
 * Exit codes: 0 done, 75 the lease is lost (undone or being undone by someone else), 73 cannot be armed, 70 the undo failed.
 */
export const LEASE_SCRIPT = String.raw`#!/bin/sh
# A lease on an injected fault. Undo it now with:  sh lease.sh undo me
umask 077
lease=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit 73
cd / || exit 73

clock() { # hundredths of a second since boot, in $clock
  if read -r up rest </proc/uptime; then clock=\${up%.*}\${up#*.}; else clock=$(date +%s)00; fi
} 2>/dev/null
boot() { # what tells this boot from another, in $boot
  read -r boot </proc/sys/kernel/random/boot_id || boot=none
} 2>/dev/null
put() { printf '%s\n' "$2" >"$lease/$1.new" && mv -f "$lease/$1.new" "$lease/$1"; }
extend() { # the watcher acts at 80 % of the time to live, so that all is undone within it
  clock; boot; put deadline "$boot $((clock + $1 * 8 / 10))"
}
expired() {
  clock; boot; then_boot=; limit=0
  read -r then_boot limit <"$lease/deadline" || return 0
  [ "$then_boot" != "$boot" ] || [ "$clock" -ge "$limit" ]
}
is_alive() { # and not only a dead process that nobody has reaped yet
  [ -n "$1" ] && kill -0 "$1" && { read -r stat <"/proc/$1/stat" || return 0; } && stat=\${stat##*) } && [ "\${stat%% *}" != Z ]
} 2>/dev/null
watched() { watcher=; read -r watcher <"$lease/watcher" && is_alive "$watcher"; } 2>/dev/null

start_watcher() { # in a session of its own: it outlives us, our process group and our connection, and holds none of our pipes
  rm -f "$lease/watcher"
  if command -v setsid >/dev/null 2>&1; then set -- setsid
  else set -- perl -e 'use POSIX; exit if fork; POSIX::setsid(); exec @ARGV'; fi
  "$@" sh "$lease/lease.sh" watch </dev/null >/dev/null 2>&1 &
  tries=0
  until watched; do
    tries=$((tries + 1)); [ "$tries" -le 100 ] || return 1
    sleep 0.05 2>/dev/null || sleep 1
  done
}

lock() { # one undo at a time; a lock whose holder is dead is taken over
  tries=0
  until mkdir "$lease/undoing" 2>/dev/null; do
    [ -d "$lease" ] || return 1
    holder=; read -r holder 2>/dev/null <"$lease/undoing/pid"
    if ! is_alive "$holder"; then
      tries=$((tries + 1)); [ "$tries" -lt 5 ] || { rm -rf "$lease/undoing"; tries=0; }
    fi
    sleep 0.1 2>/dev/null || sleep 1
  done
  # A full disk must not stop an undo: without a holder's pid the lock is only shorter.
  echo "$$" 2>/dev/null >"$lease/undoing/pid"
  return 0
}
unlock() { rm -rf "$lease/undoing"; }

undo() { # by whom
  export LEASE="$lease"
  if [ -e "$lease/undone" ]; then return 0; fi
  log=/dev/null
  if (: >"$lease/undo.log") 2>/dev/null; then log=$lease/undo.log; fi
  if command -v timeout >/dev/null; then timeout -k 5 180 sh "$lease/undo.sh" </dev/null >"$log" 2>&1
  else sh "$lease/undo.sh" </dev/null >"$log" 2>&1; fi
  code=$?
  if [ "$code" -eq 0 ]; then rm -f "$lease"/file.*; put undone "$1"; rm -f "$lease/failed"; return 0; fi
  put failed "$code $1"
  return 70
} 2>/dev/null

case $1 in
arm)
  [ "$(tail -n 1 "$lease/undo.sh")" = '# end of undo' ] || { echo 'the undo was not written whole' >&2; exit 73; }
  sh -n "$lease/undo.sh" || exit 73
  extend "$2" || exit 73
  sync "$lease"/* "$lease" 2>/dev/null || sync || exit 73
  start_watcher || { echo 'the watcher did not start' >&2; exit 73; }
  # Its time began before the watcher was up; it begins anew now.
  extend "$2" || exit 73
  ;;
watch)
  trap '' HUP INT
  put watcher "$$" || exit 73
  nap=0.2; sleep "$nap" 2>/dev/null || nap=1
  failures=0
  while [ -e "$lease/deadline" ] && [ ! -e "$lease/undone" ]; do
    if expired; then
      lock || exit 0
      # It may have been renewed, or undone, while we waited for the lock.
      if ! expired || undo watcher; then unlock; continue; fi
      unlock
      # Somewhat later it may work; a leftover is what a sweep finds when it never does.
      failures=$((failures + 1)); [ "$failures" -lt 100 ] || exit 70
      sleep 3
    else sleep "$nap"; fi
  done
  ;;
renew)
  [ ! -e "$lease/undone" ] && extend "$2" && [ ! -e "$lease/undoing" ] && [ ! -e "$lease/undone" ] || exit 75
  watched || start_watcher || exit 73
  ;;
undo)
  lock || exit 70
  undo "$2"; code=$?
  unlock
  cat "$lease/undo.log" 2>/dev/null
  exit "$code"
  ;;
release) rm -rf "$lease" ;;
status)
  by=; code=
  if read -r by <"$lease/undone"; then echo "undone $by"
  elif [ ! -e "$lease/deadline" ]; then echo 'unarmed'
  elif expired; then if read -r code by <"$lease/failed"; then echo "failed $code"; else echo 'expired'; fi
  elif watched; then echo 'held'
  else echo 'unwatched'; fi 2>/dev/null
  ;;
*) echo "unknown verb: $1" >&2; exit 64 ;;
esac
`.replaceAll('\\$', '$')
