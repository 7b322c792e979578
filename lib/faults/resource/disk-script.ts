/** `hidden DIR WORD` opens a file there as descriptor 3 and removes its name: when we end, for whatever reason, the space is free. */
const HIDDEN = String.raw`
hidden() {
  file=$1/.failover-$2-\${lease##*/}-$name
  exec 3>"$file"
  rm -f "$file"
}
`.replaceAll('\\$', '$')

/**
 * A worker that fills a file system: directory, reserve in bytes, and `all` to count the blocks that only root may use, too. It
 * fills again what others free. The space is that of a file without a name, which goes with the process.
 */
export const FILLER = String.raw`${HIDDEN}
directory=$1 reserve=$2 blocks=$3
space() { # free bytes, in $space
  set -- $(stat -f -c '%a %f %S' "$directory")
  if [ "$blocks" = all ]; then space=$(($2 * $3)); else space=$(($1 * $3)); fi
}
size=0 how=fallocate source=/dev/zero
command -v fallocate >/dev/null || how=write
grow() { # bytes, a multiple of 64 KiB
  before=$space
  if [ "$how" = fallocate ]; then
    fallocate -o "$size" -l "$1" /proc/self/fd/3 2>/dev/null || how=write
  fi
  if [ "$how" = write ]; then
    dd if="$source" of=/proc/self/fd/3 bs=65536 seek="$((size / 65536))" count="$(($1 / 65536))" conv=notrunc 2>/dev/null
  fi
  space
  if [ "$((before - space))" -ge "$(($1 / 2))" ]; then size=$((size + $1))
  elif [ "$how" = fallocate ]; then how=write
  else source=/dev/urandom; fi # a file system that compresses
}
hidden "$directory" fill
ready=
while go_on; do
  space
  need=$(((space - reserve) / 65536 * 65536))
  # Not all at once, so that an undo never waits for a long write.
  if [ "$how" = write ] && [ "$need" -gt 268435456 ]; then need=268435456; fi
  if [ "$need" -gt 0 ]; then grow "$need"; [ -n "$ready" ] || continue
  elif [ -z "$ready" ]; then ready=1; at_work; fi
  nap 2
done
finish
`

/** A worker that writes 4 MB over and over again and waits for the disk each time: directory. Tells how often it did. */
export const WRITER = String.raw`${HIDDEN}
hidden "$1" io
turns=0
while go_on; do
  dd if=/dev/zero of=/proc/self/fd/3 bs=65536 count=64 conv=notrunc,fsync 2>"$lease/new.$name" ||
    { cat "$lease/new.$name" >&2; exit 70; }
  turns=$((turns + 1))
  printf '%s\n' "$turns" >"$lease/told.$name"
  [ "$turns" != 1 ] || at_work
done
finish
`

/** Bytes that a {@link WRITER} writes in a turn. */
export const TURN_BYTES = 4 * 1024 ** 2

/**
 * `lease major minor tenths`: prints `turns` of all writers and `busy` (ms that the device was busy; missing where the system does not
 * tell), and once more after so many tenths of a second, as `turns2` and `busy2`; and `clock`, `clock2`, in hundredths of a second.
 */
export const DISK_MEASURE_SCRIPT = String.raw`
look() {
  turns=0
  for file in "$1"/told.*; do
    told=0
    { read -r told <"$file"; } 2>/dev/null
    turns=$((turns + \${told:-0}))
  done
  printf 'turns%s\t%s\n' "$4" "$turns"
  if [ -r /proc/diskstats ]; then
    while read -r major minor device reads merged sectors ms writes merged2 sectors2 ms2 now busy rest; do
      [ "$major:$minor" != "$2:$3" ] || printf 'busy%s\t%s\ndevice\t%s\n' "$4" "$busy" "$device"
    done </proc/diskstats
  fi
  read -r up rest </proc/uptime
  printf 'clock%s\t%s\n' "$4" "\${up%.*}\${up#*.}"
}
look "$1" "$2" "$3" ''
sleep "$(($4 / 10)).$(($4 % 10))" 2>/dev/null || sleep 1
look "$1" "$2" "$3" 2
`.replaceAll('\\$', '$')
