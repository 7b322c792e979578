import { randomBytes } from 'node:crypto'
import { reveal, type Secret } from '../core/index.ts'

/** How a command becomes root. */
export interface Sudo {
  /** Given to sudo if it asks; without it sudo must not ask. */
  readonly password?: Secret
}

/**
 * A command made ready for a machine where a login shell, and perhaps sudo, stands between us and it. Before the command starts,
 * a line `<mark> <process group>` goes to its stdout and stderr. So we know which group to kill, what of the output is the
 * command's own (a login shell may say things of its own), and whether it was started at all, in every language of sudo.
 */
export interface Launch {
  readonly argv: readonly string[]
  readonly mark: string
  /** What goes to stdin before the command's own input. */
  readonly password?: { readonly line: string; readonly prompt: string; readonly end: string }
}

/**
 * Runs where the command will, as the user that it will run as: `$1` the mark, `$2` the group, then the command. Administrators'
 * tools are often missing from the path of a session that is no login.
 */
const START = [
  'PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin; export PATH',
  'printf "%s %s\\n" "$1" "$2" || exit 125; printf "%s %s\\n" "$1" "$2" >&2',
]

/** What sudo did not read of the password's line must not reach the command. `read` takes single bytes from a pipe. */
const SKIP_PASSWORD = 'while IFS= read -r failover_l && [ "$failover_l" != "$1" ]; do :; done; unset failover_l'

/**
 * Runs first, as the user that logs in: `$1` how to start, `$2` the mark, `$3` the words of sudo (or none), then the command.
 * Makes sure that the command leads a process group of its own: OpenSSH and Docker see to that, other servers may not. One who is
 * root already needs no sudo.
 */
const OUTER = [
  'failover_s=$1 failover_m=$2 failover_u=$3; shift 3; failover_g=',
  '{ read -r failover_a failover_b failover_c failover_d failover_g failover_e </proc/$$/stat; } 2>/dev/null',
  'failover_x=; [ "${failover_g:-$$}" = $$ ] || { command -v setsid >/dev/null && failover_x=setsid; }',
  '[ -n "$failover_u" ] && [ "$(id -u)" = 0 ] && failover_u=',
  'if [ -n "$failover_u$failover_x" ]; then exec $failover_x $failover_u sh -c "$failover_s" sh "$failover_m" $$ "$@"; fi',
  'set -- "$failover_m" $$ "$@"; eval "$failover_s"',
].join('; ')

/** Makes a command ready. `sudo` undefined: as the user that logs in. */
export function launch(words: readonly string[], sudo?: Sudo): Launch {
  const mark = `failover-${randomBytes(8).toString('hex')}`
  const prompt = `${mark}-password:`
  const start = [...START, ...(sudo?.password ? [SKIP_PASSWORD] : []), 'shift 2; exec "$@"'].join('; ')
  const become = sudo ? (sudo.password ? `sudo -S -p ${prompt} --` : 'sudo -n --') : ''
  return {
    argv: ['sh', '-c', OUTER, 'sh', start, mark, become, ...words],
    mark,
    ...(sudo?.password ? { password: { line: `${reveal(sudo.password)}\n`, prompt, end: `${mark}\n` } } : {}),
  }
}

/** Noise of a login shell that is kept for messages; bytes. */
const KEPT_NOISE = 8192

/** Parts a stream at the mark: what came before is noise, what comes after is the command's. */
export interface Head {
  /** The bytes of this chunk that are the command's own. */
  take(chunk: Buffer): Buffer | undefined
  /** What came before the mark. */
  noise(): string
  /** The process group, once the mark was seen. */
  group(): number | undefined
}

/** Watches a stream for the mark. `onGroup` is called once, when it was seen. */
export function headOf(mark: string, onGroup: (group: number) => void): Head {
  const line = new RegExp(`${mark} (\\d+)\\n`)
  let pending: Buffer = Buffer.alloc(0)
  let noise = ''
  let group: number | undefined
  return {
    take(chunk) {
      if (group !== undefined) return chunk
      pending = Buffer.concat([pending, chunk])
      const text = pending.toString('latin1')
      const found = line.exec(text)
      if (!found) {
        // A mark may be split between two chunks; it is far shorter than what is kept.
        if (pending.length > 2 * KEPT_NOISE) pending = pending.subarray(-KEPT_NOISE)
        return undefined
      }
      noise = pending.subarray(0, found.index).toString('utf8')
      const rest = pending.subarray(found.index + found[0].length)
      pending = Buffer.alloc(0)
      group = Number(found[1])
      onGroup(group)
      return rest.length > 0 ? rest : undefined
    },
    noise: () => (group === undefined ? pending.toString('utf8') : noise),
    group: () => group,
  }
}
