import { HOST_CLOCK } from '../hosts/index.ts'

/**
 * The host side of a lease, in POSIX sh (dash, bash, busybox ash). It is written into the lease's own directory and needs only
 * what is there besides `cat date ln mkdir mv readlink rm sleep sync tail tr` and a way to start a process that outlives its
 * session: `systemd-run` where systemd runs (a user's own, where that lingers), else `setsid`, else `perl`.
 *
 * Verbs: `arm <ttl>` `watch` `renew <ttl>` `undo <by>` `release` `status` `look`; `<ttl>` in hundredths of a second. Time is counted on
 * the machine's uptime, so that steps of the clock neither end nor stretch a lease. Where there is no `/proc/uptime` it is counted
 * on the clock, and `look` says so: then a step forward may end a lease early (its holder is told), and one backward stretches
 * it by at most its time to live. A reboot ends every lease. A watcher that is asked to end (SIGTERM, as at a shutdown,
 * or where logind ends with a session all that was started in it) undoes.
 *
 * What an undo has to write was laid out at arming and is overwritten in place, so that it works on a full disk.
 *
 * Exit codes: 0 done, 75 the lease is lost (undone or being undone by someone else), 73 cannot be armed, 72 no way to start a
 * watcher, 70 the undo failed.
 */
export const LEASE_SCRIPT = String.raw`#!/bin/sh
# A lease on an injected fault. Undo it now with:  sh lease.sh undo me
umask 077
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
case $0 in /*) lease=\${0%/*} ;; *) lease=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit 73 ;; esac
cd / || exit 73
HOST_CLOCK
in_place() { printf '%-99.99s\n' "$2" 1<>"$lease/$1"; } 2>/dev/null
put() { # at once, by a rename; on a full disk over what is there
  { printf '%-99.99s\n' "$2" >"$lease/$1.$$" && mv -f "$lease/$1.$$" "$lease/$1"; } ||
    { rm -f "$lease/$1.$$"; [ -e "$lease/$1" ] && in_place "$1" "$2"; }
} 2>/dev/null
grant() { # how, time to live: the watcher acts at 80 % of that, so that all is undone within it
  clock; boot; "$1" deadline "$boot $((clock + $2 * 8 / 10)) $2"
}
extend() { grant put "$1"; }
expired() { # also by a reboot, and where the deadline cannot be read
  clock; boot; then_boot= limit=0 ttl=0 rebooted=
  read -r then_boot limit ttl <"$lease/deadline" || return 0
  [ "$then_boot" = "$boot" ] || { rebooted=' by a reboot'; return 0; }
  [ "$clock" -ge "$limit" ]
} 2>/dev/null
watched() { watcher=; read -r watcher <"$lease/watcher" && is_alive "$watcher"; } 2>/dev/null
proven() {
  tries=0
  until watched; do
    tries=$((tries + 1)); [ "$tries" -le "$1" ] && [ -d "$lease" ] && [ ! -e "$lease/undone" ] || return 1
    sleep 0.02 2>/dev/null || sleep 1
  done
}
bounded() { # seconds, command…
  if timeout -k 5 9 true 2>/dev/null; then timeout -k 5 "$@"
  elif timeout 9 true 2>/dev/null; then timeout "$@"
  else shift; "$@"; fi
}

as_unit() { # how it is called then, options…
  how=$1; shift
  # KillMode: what an undo starts must not end with the watcher.
  bounded 5 systemd-run "$@" --quiet --collect --no-ask-password --unit="failover-\${lease##*/}" \
    --property=KillMode=process --setenv=PATH="$PATH" sh "$lease/lease.sh" watch </dev/null && proven 150 && in_place how "$how"
}
start_watcher() { # outlives us, our process group, our session and our connection, and holds none of our pipes
  if [ -d /run/systemd/system ] && command -v systemd-run; then
    as_unit systemd && return 0
    # A user's own systemd stays when its last session ends only where the user lingers.
    if [ -e "/var/lib/systemd/linger/$(id -nu)" ]; then
      XDG_RUNTIME_DIR=/run/user/$(id -u); export XDG_RUNTIME_DIR
      as_unit systemd-user --user && return 0
    fi
  fi
  if command -v setsid; then in_place how setsid; set -- setsid
  elif command -v perl; then in_place how perl; set -- perl -e 'use POSIX; exit if fork; POSIX::setsid(); exec @ARGV'
  else return 72; fi
  "$@" sh "$lease/lease.sh" watch </dev/null &
  proven 500 || return 73
} >/dev/null 2>&1

is_applying() { # an undo whose caller was killed may still be at it
  pid=; read -r pid rest <"$lease/applying" && [ -n "$pid" ] && started "$pid" || return 1
  [ "$started" = none ] || case $(tr '\0' ' ' <"/proc/$pid/cmdline") in *"$lease/undo.sh"*) ;; *) return 1 ;; esac
} 2>/dev/null
lock() { # one undo at a time; a lock whose holder is dead is taken over once what it began has ended
  started "$$"; me=$$.$started tries=0
  until ln -s "$me" "$lease/undoing"; do
    [ -d "$lease" ] || return 1
    if ! [ -L "$lease/undoing" ]; then
      # No link can be made here. That must not stop an undo, which is idempotent.
      tries=$((tries + 1)); [ "$tries" -lt 5 ] || return 0
    elif holder=$(readlink "$lease/undoing") && ! is_alive "$holder" && ! is_applying; then
      if mv -f "$lease/undoing" "$lease/undoing.$$"; then
        if [ "$(readlink "$lease/undoing.$$")" = "$holder" ]; then rm -f "$lease/undoing.$$"; continue
        else ln -s "$(readlink "$lease/undoing.$$")" "$lease/undoing"; rm -f "$lease/undoing.$$"; fi
      fi
    fi
    sleep 0.1 || sleep 1
  done
} 2>/dev/null
unlock() { [ "$(readlink "$lease/undoing")" != "$me" ] || rm -f "$lease/undoing"; } 2>/dev/null

apply() { # with its output to a file
  bounded 180 sh -c 'printf "%-20s\n" "$$" 1<>"$1"; exec sh "$2"' sh "$lease/applying" "$lease/undo.sh" </dev/null >"$1" 2>&1
}
undo() { # by whom
  [ ! -e "$lease/undone" ] || return 0
  [ -e "$lease/begun" ] || mv -f "$lease/spare" "$lease/begun"
  in_place begun "$1"
  LEASE=$lease; export LEASE
  log=$lease/undo.log
  (: >"$log") || log=/dev/null
  apply "$log"; code=$?
  # It may have failed only because what it says could not be written.
  if [ "$code" -ne 0 ] && ! printf '%4096s' x >"$lease/room"; then apply /dev/null; code=$?; fi
  rm -f "$lease/room"
  if [ "$code" -eq 0 ]; then
    rm -f "$lease"/file.* "$lease/failed"
    mv -f "$lease/begun" "$lease/undone" && return 0
    code='without a mark'
  fi
  put failed "$code $1"
  return 70
} 2>/dev/null

look() { # for how long it has been there, and how it is watched and timed
  clock; boot
  if read -r then_boot from wall <"$lease/armed"; then
    if [ "$then_boot" = "$boot" ]; then echo "age $(((clock - from) / 100))"; else echo "age $(($(date +%s) - wall))"; fi
  fi 2>/dev/null
  how=; read -r how <"$lease/how" 2>/dev/null; echo "watcher \${how:-none}"
  echo "clock $timed"
}
lost() { by=; read -r by 2>/dev/null <"$lease/undone"; echo "$by"; exit 75; }

case $1 in
arm)
  [ "$(tail -n 1 "$lease/undo.sh")" = '# end of undo' ] || { echo 'the undo was not written whole' >&2; exit 73; }
  sh -n "$lease/undo.sh" || exit 73
  clock; boot
  in_place armed "$boot $clock $(date +%s)" && in_place spare unknown && in_place applying '' && in_place watcher '' &&
    in_place how none && grant in_place "$2" ||
    { echo 'its files cannot be written' >&2; exit 73; }
  granted=$clock
  sync "$lease"/* "$lease" "$lease/.." 2>/dev/null || sync || exit 73
  start_watcher; code=$?
  [ "$code" -ne 72 ] || echo 'there is neither a running systemd, nor setsid, nor perl to start a watcher with' >&2
  [ "$code" -ne 73 ] || [ ! -e "$lease/undone" ] || { echo 'it was undone, as its time was over, before its watcher was up' >&2; exit 73; }
  [ "$code" -ne 73 ] || echo 'the watcher did not start' >&2
  [ "$code" -eq 0 ] || exit "$code"
  # Its time began before the watcher was up; where that took long it begins anew now.
  clock; [ "$((clock - granted))" -le "$(($2 / 50))" ] || extend "$2" || exit 73
  echo held; look
  ;;
watch)
  trap '' HUP INT
  asked=; trap 'asked=1' TERM
  started "$$"; me=$$.$started
  in_place watcher "$me" || exit 73
  nap=0.2; sleep "$nap" 2>/dev/null || nap=1
  failures=0
  while [ -e "$lease/deadline" ] && [ ! -e "$lease/undone" ]; do
    # Another one that was started because we seemed gone has the watch now.
    watched; [ "$watcher" = "$me" ] || exit 0
    if [ -n "$asked" ] || expired; then
      lock || exit 0
      # It may have been renewed, or undone, while we waited for the lock.
      if { [ -z "$asked" ] && ! expired; } || undo watcher; then unlock; continue; fi
      unlock
      # Somewhat later it may work; a leftover is what a sweep finds when it never does.
      failures=$((failures + 1)); [ "$failures" -lt 100 ] || exit 70
      sleep 3
    else
      # Further away than ever granted: the clock was set back.
      [ "$((limit - clock))" -le "$ttl" ] || extend "$ttl"
      sleep "$nap"
    fi
  done
  ;;
renew)
  expired
  if [ -n "$rebooted" ] && [ ! -e "$lease/undone" ]; then lock && { undo reboot; unlock; }; lost; fi
  [ ! -e "$lease/undone" ] && [ ! -e "$lease/begun" ] && extend "$2" || lost
  [ ! -L "$lease/undoing" ] && [ ! -e "$lease/begun" ] && [ ! -e "$lease/undone" ] || lost
  watched || start_watcher || exit 73
  ;;
undo)
  lock || exit 70
  undo "$2"; code=$?
  unlock
  by=
  if [ "$code" -eq 0 ] && read -r by <"$lease/undone"; then echo "undone $by"; else echo "failed"; fi
  cat "$lease/undo.log" 2>/dev/null
  exit "$code"
  ;;
release) # the watcher would see it, but somewhat later than our caller looks
  rm -f "$lease/deadline"
  if watched; then kill -KILL "\${watcher%%.*}"; fi 2>/dev/null
  rm -rf "$lease"
  ;;
status | look) # one word, perhaps more; look: also what it is
  by= code=
  if read -r by <"$lease/undone"; then echo "undone $by"
  elif [ ! -e "$lease/deadline" ]; then echo unarmed
  elif read -r code by <"$lease/failed"; then echo "failed $code"
  elif expired; then echo "expired$rebooted"
  elif watched; then echo held
  else echo unwatched; fi 2>/dev/null
  [ "$1" = status ] || look
  ;;
*) echo "unknown verb: $1" >&2; exit 64 ;;
esac
`
  .replaceAll('\\$', '$')
  .replace('HOST_CLOCK\n', () => HOST_CLOCK)
