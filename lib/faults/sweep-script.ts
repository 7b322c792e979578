/**
 * Scripts of a sweep, in POSIX sh. They print fields that each end with a NUL, since names, titles and outputs may hold anything
 * else. First arguments of each: the directory of the leases and the program of a lease, for leases that have lost theirs.
 */

/** `run path verb…` of a lease's own program, or of ours where a crash left none or half of one; a lease's state. */
const LEASES = String.raw`umask 077
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
directory=$1 own=$2; shift 2
TAB=$(printf '\t')
field() { printf '%s\0' "$@"; }
run() {
  path=$1; shift
  if sh -n "$path/lease.sh" 2>/dev/null && [ -s "$path/lease.sh" ]; then sh "$path/lease.sh" "$@" </dev/null
  else sh -c "$own" "$path/lease.sh" "$@" </dev/null; fi
}
look() { # state of the lease in $1, in $state, and all that its status says in $said
  said=$(run "$1" look 2>/dev/null); state=\${said%%[!a-z]*}
  # Somebody may be arming it right now.
  if [ "$state" = unarmed ] && [ -z "$(find "$1" -prune -mmin +2 2>/dev/null)" ]; then state=arming; fi
}
`

/** `scan scripts…`: prints the leftovers that the scans find; `owned OWNER`: whether a living lease of this host has that id. */
const LEFTOVERS = String.raw`
scan() { for script in "$@"; do sh -c "$script" </dev/null 2>/dev/null; done; }
living() { # ids of living leases: those here, and those of watchers that run for another directory
  for lease in "$directory"/*/; do
    [ -d "$lease" ] || continue
    look "\${lease%/}"
    case $state in held | arming | failed) lease=\${lease%/}; printf '%s\n' "\${lease##*/}" ;; esac
  done
  head -c 4096 /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | while read -r word; do
    case $word in
    '==> /proc/'*' <==') pid=\${word#'==> /proc/'} pid=\${pid%%/*} lease= ;;
    */lease.sh) lease=\${word%/lease.sh} ;;
    watch) # it may see other file systems than we do
      if [ -n "$lease" ]; then
        there=/proc/$pid/root$lease
        # Of a process that may not be looked into nobody knows; one that has ended watches nothing.
        stat='Z '; read -r stat 2>/dev/null <"/proc/$pid/stat"
        case \${stat##*) } in
        Z* | X*) false ;;
        *) ! [ -d "/proc/$pid/root/" ] || { [ -e "$there/deadline" ] && ! [ -e "$there/undone" ]; } ;;
        esac && printf '%s\n' "\${lease##*/}"
      fi ;;
    *) lease= ;;
    esac
  done
}
owned() {
  case $1 in
  '*' | '') [ -n "$living" ] ;;
  *) case $living in *"$1"*) ;; *) return 1 ;; esac ;;
  esac
}
`

/** Lists all: `scans…` → `lease id state said about` per lease, `leftover owner what owned|orphan` per leftover. */
export const LIST_SCRIPT = `${LEASES}${LEFTOVERS}
found=$(scan "$@")
for lease in "$directory"/*/; do
  [ -d "$lease" ] || continue
  lease=\${lease%/}
  look "$lease"
  field lease "\${lease##*/}" "$state" "$said" "$(cat "$lease/about" 2>/dev/null)"
done
[ -n "$found" ] || exit 0
living=$(living)
printf '%s\\n' "$found" | while IFS=$TAB read -r owner what undo; do
  if owned "$owner"; then field leftover "$owner" "$what" owned; else field leftover "$owner" "$what" orphan; fi
done`.replaceAll('\\$', '$')

/** Undoes leases: `force(yes|no) ids…` → `id outcome detail` each; outcome `held`, `undone`, `removed` or `failed`. */
export const UNDO_SCRIPT = `${LEASES}
force=$1; shift
for id in "$@"; do
  lease=$directory/$id detail=
  [ -d "$lease" ] || { field "$id" removed ''; continue; }
  look "$lease"
  case $force$state in noheld | noarming) field "$id" held ''; continue ;; esac
  outcome=removed
  case $state in undone | unarmed | arming) ;; *)
    outcome=undone
    detail=$(run "$lease" undo sweep 2>&1) || outcome=failed
    detail=$(printf '%s\\n' "$detail" | tail -n +2 | tail -c 4000)
  esac
  [ "$outcome" = failed ] || rm -rf -- "$lease" || outcome=failed
  field "$id" "$outcome" "$detail"
done`.replaceAll('\\$', '$')

/** Undoes leftovers that no living lease owns: `force scans…` → `owner what outcome detail` each. */
export const ORPHANS_SCRIPT = `${LEASES}${LEFTOVERS}
force=$1; shift
found=$(scan "$@")
[ -n "$found" ] || exit 0
living=$(living)
printf '%s\\n' "$found" | {
  while IFS=$TAB read -r owner what undo; do
    if owned "$owner"; then
      # Also by force only what cannot be told apart: a lease that lies elsewhere is not ours to end.
      case $force$owner in yes'*' | yes) ;; *) continue ;; esac
    fi
    detail=$(sh -c "$undo" </dev/null 2>&1); code=$?
    field "$owner" "$what" "$code" "$(printf '%s\\n' "$detail" | tail -c 4000)"
  done
}
printf '%s\\n' "$(scan "$@")" | while IFS=$TAB read -r owner what undo; do field "$owner" "$what" left ''; done`.replaceAll(
  '\\$',
  '$',
)
