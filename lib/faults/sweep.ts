import { z } from 'zod'
import type { Duration } from '../core/index.ts'
import type { Shell } from '../hosts/index.ts'
import { LEASE_SCRIPT } from './lease-script.ts'

/** What a sweep found of one lease, and what became of it. */
export interface SweptLease {
  readonly id: string
  readonly path: string
  /** What it was for, as its holder wrote it. */
  readonly title: string
  /**
   * `held`: its holder renews it, or the host will undo it in time; left alone. `undone`: was on, now undone. `removed`: nothing
   * was on, only files were left. `failed`: still on, see `detail`.
   */
  readonly state: 'held' | 'undone' | 'removed' | 'failed'
  /** What the undo printed. */
  readonly detail: string
}

/** Options of {@link sweep}. */
export interface SweepOptions {
  readonly shell: Shell
  /** Undo leases that are in force, too: for a person who wants everything healed now. Default false. */
  readonly force?: boolean
  /** Deadline of each undo. Default 60 s. */
  readonly within?: Duration
  readonly signal?: AbortSignal
}

const status = z.enum(['undone', 'unarmed', 'failed', 'expired', 'held', 'unwatched'])

/**
 * Finds the leases that earlier runs left in a directory of a host, and undoes them: those that have expired (also by a reboot),
 * and those whose watcher is gone. What somebody still holds stays.
 */
export async function sweep(directory: string, options: SweepOptions): Promise<readonly SweptLease[]> {
  const { shell, signal } = options
  const limits = { within: '10s', signal } as const
  const listed = await shell.run({ script: LIST, args: [directory] }, limits)
  const swept: SweptLease[] = []
  for (const id of listed.stdout.split('\0').slice(0, -1).sort()) {
    const path = `${directory.replace(/\/+$/, '')}/${id}`
    const about = await shell.run({ script: 'cat "$1/about" 2>/dev/null', args: [path] }, limits)
    const found = { id, path, title: about.stdout.trim() }
    const isYoung = (await shell.run({ script: IS_YOUNG, args: [path] }, limits)).code === 0
    const said = await shell.run({ script: RUN, args: [path, LEASE_SCRIPT, 'status'] }, limits)
    const state = status.parse(said.stdout.trim().split(' ')[0])
    const isOn = state !== 'undone' && state !== 'unarmed'
    const isBeingArmed = state === 'unarmed' && isYoung
    if (options.force !== true && (state === 'held' || isBeingArmed)) {
      swept.push({ ...found, state: 'held', detail: '' })
      continue
    }
    const undo = isOn
      ? await shell.run(
          { script: RUN, args: [path, LEASE_SCRIPT, 'undo', 'sweep'] },
          { within: options.within ?? '60s', signal },
        )
      : undefined
    if (undo && undo.code !== 0) {
      swept.push({ ...found, state: 'failed', detail: `${undo.stdout}${undo.stderr}`.trim() })
      continue
    }
    await shell.run(['rm', '-rf', path], limits)
    swept.push({ ...found, state: isOn ? 'undone' : 'removed', detail: undo?.stdout.trim() ?? '' })
  }
  return swept
}

const LIST = `cd "$1" 2>/dev/null || exit 0; for d in */; do [ -d "$d" ] && printf '%s\\0' "\${d%/}"; done`

/** True within the first two minutes: somebody may be arming it right now. */
const IS_YOUNG = `[ -z "$(find "$1" -prune -mmin +2 2>/dev/null)" ]`

/** Runs the lease's own program, or this version's where a crash left none or half of one. */
const RUN = `p=$1 own=$2; shift 2
[ -e "$p/lease.sh" ] || { umask 077; printf '%s' "$own" >"$p/lease.sh"; }
exec sh "$p/lease.sh" "$@"`
