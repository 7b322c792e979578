/**
 * POSIX sh: `as_owner PATH COMMAND…` runs a command as the owner of a path, by what the host has for that. Fails with 69 where it
 * cannot. `owner_of PATH` sets `$uid $gid $user`.
 */
export const AS_OWNER = String.raw`
owner_of() {
  uid=$(stat -c %u "$1") gid=$(stat -c %g "$1") user=$(stat -c %U "$1")
  case $user in '' | UNKNOWN) user= ;; esac
}
as_owner() {
  owner_of "$1" || return 69; shift
  me=$(id -u)
  if [ "$me" = "$uid" ]; then "$@"
  elif [ "$me" != 0 ]; then return 69
  elif [ -n "$user" ] && command -v runuser >/dev/null; then runuser -u "$user" -- "$@"
  elif chroot --userspec="+$uid:+$gid" / true 2>/dev/null; then chroot --userspec="+$uid:+$gid" / "$@"
  elif [ -n "$user" ] && command -v su >/dev/null; then su -s /bin/sh "$user" -c 'exec "$@"' sh "$@"
  elif command -v sudo >/dev/null; then sudo -n -u "#$uid" -- "$@"
  else return 69; fi
}
`

/**
 * `directory id bytes`: writes a file of so many bytes there as the owner of the directory, removes it, and prints `wrote`, or
 * `refused` with the reason: `ENOSPC`, `EROFS`, `EACCES`, `EDQUOT`, or what the system said.
 */
export const WRITE_SCRIPT = String.raw`${AS_OWNER}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C; export LC_ALL
file=$1/.failover-probe-$2
said=$(as_owner "$1" dd if=/dev/zero of="$file" bs=65536 count="$((($3 + 65535) / 65536))" 2>&1 </dev/null); code=$?
rm -f "$file"
[ "$code" != 0 ] || { echo wrote; exit 0; }
case $said in
*'No space left'*) why=ENOSPC ;;
*'Read-only file system'*) why=EROFS ;;
*'ermission denied'*) why=EACCES ;;
*'uota exceeded'*) why=EDQUOT ;;
*) why="exit $code: $said" ;;
esac
printf 'refused %s\n' "$why" | tr '\n' ' '
`

/** `path`: prints the facts of a directory and of what may be done to it, as `name<TAB>value` lines. */
export const DIRECTORY_SCRIPT = String.raw`${AS_OWNER}
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
path=$1
has() { if command -v "$1" >/dev/null; then printf '%s\tyes\n' "$1"; fi; }
printf 'me\t%s\n' "$(id -u)"
if [ ! -e "$path" ]; then printf 'there\tno\n'; exit 0; fi
if [ ! -d "$path" ]; then printf 'there\tno directory\n'; exit 0; fi
printf 'there\tyes\nreal\t%s\n' "$(CDPATH= cd -- "$path" && pwd -P)"
owner_of "$path"
printf 'uid\t%s\ngid\t%s\nuser\t%s\nmode\t%s\n' "$uid" "$gid" "$user" "$(stat -c %a "$path")"
printf 'device\t%s\nparentDevice\t%s\ninode\t%s\n' "$(stat -c %D "$path")" "$(stat -c %D "$path/..")" "$(stat -c %i "$path")"
[ -z "$2" ] || printf 'leaseDevice\t%s\n' "$(dir=$2; while [ ! -e "$dir" ]; do dir=\${dir%/*}; [ -n "$dir" ] || dir=/; done; stat -c %D "$dir")"
set -- $(stat -f -c '%a %f %S %T' "$path")
printf 'available\t%s\nfree\t%s\ntype\t%s\n' "$(($1 * $3))" "$(($2 * $3))" "$4"
for tool in fallocate mount umount setsid perl; do has "$tool"; done
# CAP_SYS_ADMIN, without which nothing can be mounted.
bit=$(sed -n 's/^CapEff:[^0-9a-f]*//p' /proc/self/status); bit=\${bit%?????}; bit=\${bit#"\${bit%?}"}
case $bit in [2367abef]) printf 'mayMount\tyes\n' ;; esac
[ ! -w "$path" ] || printf 'writable\tyes\n'
as_owner "$path" true && printf 'asOwner\tyes\n'
exit 0
`.replaceAll('\\$', '$')
