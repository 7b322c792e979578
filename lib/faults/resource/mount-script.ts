import { HOST_CLOCK } from '../../hosts/index.ts'
import type { LeftoverScan } from '../leftovers.ts'

/** `ids_at PATH` sets `$ids`, the mounts at that very path. A space in a path is written as the kernel writes it. */
const MOUNTS = String.raw`${HOST_CLOCK}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
ids_at() {
  ids=
  while read -r id parent device root point rest; do
    [ "$point" != "$1" ] || ids="$ids $id"
  done </proc/self/mountinfo
}
new_at() { # $new: mounts at the path that were not there when the fault began
  new=
  ids_at "$1"
  for id in $ids; do
    case " $before " in *" $id "*) ;; *) new="$new $id" ;; esac
  done
}
begin() { # notes what is there, so that an undo takes away no more than what we brought
  [ -e "$lease/file.go" ] || { echo 'the lease is not in force' >&2; exit 75; }
  ids_at "$1"; boot
  printf '%s\n%s\n' "$boot" "$ids" >"$lease/told.mounts" || exit 73
}
`

/** `path lease`: mounts a directory over itself, read-only. */
export const READ_ONLY_SCRIPT = String.raw`${MOUNTS}
path=$1 lease=$2
begin "$path"
mount -o bind "$path" "$path" && mount -o remount,bind,ro "$path"
`

/** `path lease name uid gid mode most`: mounts a file system over a directory that has its content and no space. */
export const TINY_SCRIPT = String.raw`${MOUNTS}
path=$1 lease=$2 name=$3 uid=$4 gid=$5 mode=$6 most=$7
begin "$path"
mkdir "$lease/stage" && mount -t tmpfs -o "size=$most,mode=0700" "$name" "$lease/stage" || exit 1
cp -a "$path/." "$lease/stage/" && head -c 4096 /dev/zero >"$lease/stage/.failover-fill" || exit 1
chown "$uid:$gid" "$lease/stage" && chmod "$mode" "$lease/stage" || exit 1
set -- $(stat -f -c '%b %f %S' "$lease/stage")
mount -o "remount,size=$((($1 - $2) * $3))" "$lease/stage" || exit 1
mount -o bind "$lease/stage" "$path" && umount "$lease/stage"
`

/**
 * `path`: takes away what was mounted there since the fault began. After a reboot there is nothing, and what is mounted there then
 * is not ours.
 */
export const UNMOUNT_SCRIPT = String.raw`${MOUNTS}
path=$1
rm -f "$LEASE/file.go"
then= before=
{ read -r then; read -r before; } 2>/dev/null <"$LEASE/told.mounts" || [ -n "$then" ] || exit 0
boot
[ "$then" = "$boot" ] || exit 0
left() { # of the staging place, too
  ids_at "$LEASE/stage"; staged=$ids
  new_at "$path"
  [ -n "$new$staged" ]
}
tries=0
while left; do
  [ -z "$staged" ] || umount "$LEASE/stage" || umount -l "$LEASE/stage"
  [ -z "$new" ] || umount "$path" 2>/dev/null || umount -l "$path"
  tries=$((tries + 1)); [ "$tries" -le 20 ] || exit 1
done
rmdir "$LEASE/stage" 2>/dev/null
exit 0
`

/** `path inode mode`: takes the right to write away from everybody, if it is still the directory that was found. */
export const NO_WRITE_SCRIPT = String.raw`
[ "$(stat -c %i "$1")" = "$2" ] && [ "$(stat -c %a "$1")" = "$3" ] || { echo "$1 is not what it was" >&2; exit 65; }
chmod a-w "$1"
`

/** `path inode mode without`: gives it back, if nobody else has changed it. */
export const WRITE_AGAIN_SCRIPT = String.raw`
[ "$(stat -c %i "$1" 2>/dev/null)" = "$2" ] || exit 0
[ "$(stat -c %a "$1")" != "$4" ] || chmod "$3" "$1"
`

/** Finds file systems without space that are still mounted over a directory although their lease is gone. */
export const mountLeftovers: LeftoverScan = {
  name: 'file systems without space',
  script: String.raw`
while read -r id parent device root point options rest; do
  case $rest in *' - tmpfs snapshot-directory-'*) ;; *) continue ;; esac
  name=\${rest##* - tmpfs }; name=\${name%% *}
  printf '%s\t%s is mounted over %s\tgrep -q "^%s " /proc/self/mountinfo || exit 0; umount "%s" 2>/dev/null || umount -l "%s"\n' \
    "$name" "$name" "$point" "$id" "$point" "$point"
done </proc/self/mountinfo`.replaceAll('\\$', '$'),
}
