import { HOST_CLOCK } from '../hosts/index.ts'

/**
 * The host side of an environment's lock, in POSIX sh (dash, bash, busybox ash): `$1` verb, `$2` path of the lock, `$3` token of
 * whoever asks. The lock is a symbolic link, which is made at once or not at all and carries the token; what is known of its
 * holder lies beside it under that token. Each call works alone, behind a guard whose process is known to live or not, because it
 * is one of that host; so nobody takes over what a third has just taken over. Time is counted on the host's uptime, as far as it tells.
 *
 * `acquire TTL HOLDER SINCE`, `renew TTL`, `release`; TTL in hundredths of a second. Exit codes: 0 done, 75 somebody else holds
 * it: then who, since when, and in how many seconds it would end by itself, one per line; 73 cannot be
 * written there.
 */
export const LOCK_SCRIPT = String.raw`umask 077
verb=$1 lock=$2 token=$3
HOST_CLOCK
facts=$lock.$token
deadline() { # of our own, by a rename; on a full disk over what is there
  clock; boot; line="$boot $((clock + $1)) $clock"
  { printf '%-99.99s\n' "$line" >"$facts.deadline.$$" && mv -f "$facts.deadline.$$" "$facts.deadline"; } 2>/dev/null ||
    { rm -f "$facts.deadline.$$"; [ -e "$facts.deadline" ] && printf '%-99.99s\n' "$line" 1<>"$facts.deadline"; }
}
forget() { rm -f "$lock.$1.deadline" "$lock.$1.holder"; }
expired() { # the lock of token $1: also by a reboot
  clock; boot; then_boot= limit=0
  read -r then_boot limit rest 2>/dev/null <"$lock.$1.deadline" || return 0
  [ "$then_boot" != "$boot" ] || [ "$clock" -ge "$limit" ]
}
tell() { # who holds it
  cat "$lock.$1.holder" 2>/dev/null || printf 'somebody\nan unknown time\n'
  echo "$(((limit - clock) / 100))"
}
leave() { [ "$(readlink "$lock.guard" 2>/dev/null)" != "$me" ] || rm -f "$lock.guard"; }
enter() { # one of us at a time, for a few milliseconds; a guard whose process is dead is removed
  started "$$"; me=$$.$started tries=0
  trap leave EXIT; trap 'exit 1' HUP INT TERM PIPE
  until ln -s "$me" "$lock.guard" 2>/dev/null; do
    tries=$((tries + 1)); [ "$tries" -le 200 ] || { echo "no lock can be made at $lock" >&2; exit 73; }
    if guard=$(readlink "$lock.guard" 2>/dev/null) && ! is_alive "$guard" && mv -f "$lock.guard" "$lock.guard.$$" 2>/dev/null; then
      moved=$(readlink "$lock.guard.$$"); rm -f "$lock.guard.$$"
      # Another one was quicker to remove it, and this is somebody's who lives.
      [ "$moved" = "$guard" ] || ln -s "$moved" "$lock.guard" 2>/dev/null
    else sleep 0.05 2>/dev/null || sleep 1; fi
  done
}
case $verb in
acquire)
  mkdir -p -- "$(dirname -- "$lock")" && enter || exit 73
  if held=$(readlink "$lock" 2>/dev/null); then
    if ! expired "$held"; then tell "$held"; exit 75; fi
    rm -f "$lock"; forget "$held"
  fi
  if deadline "$4" && printf '%s\n%s\n' "$5" "$6" >"$facts.holder" && ln -s "$token" "$lock"; then exit 0; fi
  forget "$token"
  exit 73
  ;;
renew)
  enter
  if held=$(readlink "$lock" 2>/dev/null) && [ "$held" = "$token" ]; then deadline "$4"; exit; fi
  # Gone, or somebody else's: it had expired while its holder was away.
  if [ -n "$held" ]; then expired "$held"; tell "$held"; fi
  forget "$token"
  exit 75
  ;;
release)
  [ -d "$(dirname -- "$lock")" ] || exit 0
  enter
  [ "$(readlink "$lock" 2>/dev/null)" != "$token" ] || rm -f "$lock"
  forget "$token"
  ;;
esac`
  .replaceAll('\\$', '$')
  .replace('HOST_CLOCK\n', () => HOST_CLOCK)
