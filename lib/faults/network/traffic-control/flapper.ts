/**
 * A worker (see worker-script.ts) that takes a link down and up by turns, beginning with down. Arguments: how long it is down and
 * how long up, in hundredths of a second; how often it goes down (0: until it is ended); a time on the host's clock at which it is
 * to go down, if a whole number of turns earlier or later (empty: now); and the two commands, each a line of sh. The turns are
 * counted from the first, so that they do not drift. It tells how often the link came up again.
 */
export const FLAPPER = String.raw`
down_for=$1 up_for=$2 times=$3 origin=$4 go_down=$5 come_up=$6
count=0
turn() { # what it is called, and its command
  said=$(sh -c "$2" </dev/null 2>&1) && return 0
  echo "the link could not $1: $said" >&2
  finish
}
wait_for_turn() {
  while go_on; do
    [ "$clock" -lt "$turn_at" ] || return 0
    if [ $((turn_at - clock)) -gt 10 ]; then nap 1; else nap 02; fi
  done
  return 1
}
clock; turn_at=$clock
if [ -n "$origin" ]; then
  span=$((down_for + up_for)) past=$(((clock - origin) % (down_for + up_for)))
  [ "$past" -ge 0 ] || past=$((past + span))
  turn_at=$((clock + span - past)); wait_for_turn || finish
fi
turn 'go down' "$go_down"
at_work
while :; do
  turn_at=$((turn_at + down_for)); wait_for_turn || break
  turn 'come up' "$come_up"
  count=$((count + 1)); printf '%s\n' "$count" >"$lease/told.$name"
  if [ "$times" -gt 0 ] && [ "$count" -ge "$times" ]; then
    while go_on; do nap 5; done
    break
  fi
  turn_at=$((turn_at + up_for)); wait_for_turn || break
  turn 'go down' "$go_down"
done
finish
`
