import type { UndoFile } from './definition.ts'
import { commandLine, type ShellScript } from '../hosts/index.ts'

/** One call to a host that arms a lease. */
export interface ArmingCall {
  readonly command: ShellScript
  readonly stdin: Uint8Array
}

/** What {@link armingCall} is made from. */
export interface Arming {
  readonly directory: string
  readonly path: string
  /** Tells this arming from any other, so that nobody cleans up after somebody else. */
  readonly token: string
  /** Hundredths of a second. */
  readonly ttl: string
  /** Not secret: they travel as arguments as long as they are short. */
  readonly texts: readonly { readonly name: string; readonly content: string }[]
  /** May be secret, so never an argument, which every user of the host could read. */
  readonly files: readonly UndoFile[]
}

/** What an argument vector may weigh: Linux takes 128 KiB per argument, and a script may be quoted twice on its way. */
const ARGUMENTS_LIMIT = 40_000

/** Exit code of {@link ARM}: the directory is there already and not ours. */
export const NOT_OURS = 74
/** Exit code of {@link ARM}: the host has no way to start a watcher. */
export const NO_WATCHER = 72

/** The one call that writes all files of a lease, checks them, and arms it; removes everything again if any of it fails. */
export function armingCall({ directory, path, token, ttl, texts, files }: Arming): ArmingCall {
  const args = [directory, path, ttl, 'text', 'token', ...sized(token)]
  const inputs: Uint8Array[] = []
  for (const { name, content } of texts) {
    const words = ['text', name, ...sized(content)]
    if (weight([...args, ...words]) < ARGUMENTS_LIMIT) args.push(...words)
    else args.push(...asInput(name, content))
  }
  for (const { name, content } of files) args.push(...asInput(name, content))
  return { command: { script: ARM, args }, stdin: Buffer.concat(inputs) }

  function asInput(name: string, content: string | Uint8Array): string[] {
    const bytes = Buffer.from(content)
    inputs.push(bytes)
    return ['input', name, String(bytes.length)]
  }
}

function sized(text: string): [string, string] {
  return [String(Buffer.byteLength(text)), text]
}

function weight(args: readonly string[]): number {
  return Buffer.byteLength(commandLine(args)) + Buffer.byteLength(commandLine([ARM]))
}

/** `directory path ttl` and then, per file, `text name size content` or `input name size`, whose content is on standard input. */
const ARM = `umask 077
directory=$1 path=$2 ttl=$3; shift 3
mkdir -- "$path" 2>/dev/null || { mkdir -p -- "$directory" && mkdir -- "$path"; } || exit ${NOT_OURS}
drop() { code=$?; trap - EXIT; [ "$code" -eq 0 ] || rm -rf -- "$path"; exit "$code"; }
trap drop EXIT; trap 'exit 1' HUP INT TERM PIPE
fail() { echo "$1 was not written whole, as on a full disk" >&2; exit 73; }
offset=1 files=0 wanted=
while [ "$#" -gt 0 ]; do
  files=$((files + 1)) wanted="$wanted $2 $3"
  case $1 in
  text) printf %s "$4" >"$path/$2" || fail "$2"; shift 4 ;;
  input)
    [ "$offset" -gt 1 ] || cat >"$path/input" || fail input
    tail -c "+$offset" "$path/input" | head -c "$3" >"$path/$2" || fail "$2"
    offset=$((offset + $3)); shift 3 ;;
  esac
done
[ "$offset" -eq 1 ] || rm -f "$path/input"
{ cd -- "$path" && wc -c -- *; } | {
  while read -r size name; do
    case "$wanted " in
    *" $name $size "*) files=$((files - 1)) ;;
    *" $name "*) fail "$name" ;;
    esac
  done
  [ "$files" -eq 0 ] || fail 'a file'
} || exit 73
sh "$path/lease.sh" arm "$ttl"`

/** `path token`: removes what an arming that nobody knows the end of has left. */
export const DROP = `read -r token 2>/dev/null <"$1/token"; [ "$token" != "$2" ] || rm -rf -- "$1"`
