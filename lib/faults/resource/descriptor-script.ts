import { IDENTITY, NOT_THAT_PROCESS } from '../process/process-script.ts'

/** `free_at PID SPARE` sets `$at`, the number that a process's descriptors would have once it has opened so many more. */
const DESCRIPTORS = String.raw`
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
limits_of() { # $soft and $hard limit of open files
  soft= hard=
  while read -r max open files one two rest; do
    [ "$max $open $files" != 'Max open files' ] || { soft=$one hard=$two; break; }
  done <"/proc/$1/limits"
  [ -n "$soft" ]
} 2>/dev/null
free_at() {
  used=' '
  for each in /proc/"$1"/fd/*; do used="$used\${each##*/} "; done
  at=0 spare=$2
  while :; do
    case $used in *" $at "*) ;; *) [ "$spare" -gt 0 ] || break; spare=$((spare - 1)) ;; esac
    at=$((at + 1))
  done
}
count_of() { set -- /proc/"$1"/fd/*; count=$#; [ -e "$1" ] || [ -L "$1" ] || count=0; }
is_it() { state_of "$1" && [ "$start" = "$2" ] && { [ "$3" = - ] || { mark_of "$1" && [ "$mark" = "$3" ]; }; }; }
`.replaceAll('\\$', '$')

/** `pid start`: prints limits and use of a process, or `gone`; and whether the host has what sets limits. */
export const DESCRIPTOR_SURVEY_SCRIPT = `${IDENTITY}${DESCRIPTORS}
if command -v prlimit >/dev/null; then printf 'prlimit\\tyes\\n'; fi
is_it "$1" "$2" - || { printf 'gone\\tyes\\n'; exit 0; }
limits_of "$1" && count_of "$1" && free_at "$1" 0
printf 'soft\\t%s\\nhard\\t%s\\nused\\t%s\\nnext\\t%s\\n' "$soft" "$hard" "$count" "$at"
if prlimit --pid "$1" --nofile="$soft:" 2>/dev/null; then printf 'maySet\\tyes\\n'; fi
`

/** `pid start mark spare`: lets a process open so many more files and no more than these. Prints its limit. */
export const DESCRIPTOR_LIMIT_SCRIPT = `${IDENTITY}${DESCRIPTORS}
is_it "$1" "$2" "$3" || { echo "process $1 is not the one that was found" >&2; exit ${NOT_THAT_PROCESS}; }
free_at "$1" "$4"
limits_of "$1" || exit 1
[ "$at" -lt "$soft" ] || { echo "process $1 has no more than that free already" >&2; exit 1; }
prlimit --pid "$1" --nofile="$at:" && printf '%s\\n' "$at"
`

/** `pid start soft`: gives a process its limit back. Done where it is gone. */
export const DESCRIPTOR_UNDO_SCRIPT = `${IDENTITY}${DESCRIPTORS}
is_it "$1" "$2" - || { echo "process $1 is gone"; exit 0; }
limits_of "$1" && [ "$soft" = "$3" ] && exit 0
prlimit --pid "$1" --nofile="$3:" || { ! is_it "$1" "$2" - && exit 0; }
`
