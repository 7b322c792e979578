import { messageOf, redact, type Duration } from '../core/index.ts'
import type { RunResult, Shell } from '../hosts/index.ts'
import { SweepError } from './errors.ts'
import { LEASE_SCRIPT } from './lease-script.ts'
import { leftoverScans, type LeftoverScan } from './leftovers.ts'
import { LIST_SCRIPT, ORPHANS_SCRIPT, UNDO_SCRIPT } from './sweep-script.ts'

/** What a sweep found, and what became of it. */
export interface SweptLease {
  /** Name of the lease; of an orphan, what it tells of the fault that it came from. */
  readonly id: string
  /** Directory of the lease; empty for an orphan. */
  readonly path: string
  /** What it was for, as its holder wrote it; what it is, for an orphan. */
  readonly title: string
  /**
   * `held`: its holder renews it, or the host will undo it in time; left alone. `undone`: was on, now undone. `removed`: nothing
   * was on, only files were left. `orphan`: belonged to no living lease, now undone. `failed`: still on, see `detail`.
   */
  readonly state: 'held' | 'undone' | 'removed' | 'orphan' | 'failed'
  /** What the undo printed. */
  readonly detail: string
  readonly environment?: string
  /** Who armed it: user, machine, process, run. */
  readonly holder?: string
  /** When it was armed, by the clock of the machine that armed it (ISO 8601). */
  readonly since?: string
  /** How long ago it was armed, by its host. */
  readonly ageMs?: number
}

/** Options of {@link sweep}. */
export interface SweepOptions {
  readonly shell: Shell
  /**
   * Undo leases of this directory that are in force, too: for a person who wants everything healed now. Default false. What a
   * living lease of another directory owns stays.
   */
  readonly force?: boolean
  /** Deadline of each undo. Default 60 s. */
  readonly within?: Duration
  readonly signal?: AbortSignal
  /** What looks for leftovers without a lease. Default: {@link leftoverScans}. */
  readonly scans?: readonly LeftoverScan[]
}

/** Leases are undone in so many calls side by side, so that one that hangs does not hold up all others. */
const LANES = 4
const OUTPUT_LIMIT = 16 * 1024 * 1024

/**
 * Finds the leases that earlier runs left in a directory of a host, and undoes them: those that have expired (also by a reboot),
 * and those whose watcher is gone. What somebody still holds stays. Then undoes what faults left there without a lease. Takes one
 * call to the host where nothing is to be done, and at most six however much there is.
 * @throws SweepError if the host's answer cannot be understood; errors of the shell
 */
export async function sweep(directory: string, options: SweepOptions): Promise<readonly SweptLease[]> {
  const { shell, signal, within = '60s', force = false, scans = leftoverScans } = options
  const call = async (script: string, args: readonly string[]): Promise<readonly string[]> => {
    const command = { script, args: [base, LEASE_SCRIPT, ...args] }
    return fieldsOf(await shell.run(command, { within, signal, outputLimit: OUTPUT_LIMIT }), shell, directory)
  }
  const base = directory.replace(/\/+$/, '') || '/'
  const scripts = scans.map(({ script }) => script)

  const listed = await call(LIST_SCRIPT, scripts)
  const leases: FoundLease[] = []
  let orphans = 0
  for (let i = 0; i < listed.length;) {
    if (listed[i] === 'lease') {
      const [id = '', state = '', said = '', about = ''] = listed.slice(i + 1, i + 5)
      leases.push({ id, state, said, about })
      i += 5
    } else {
      if (force || listed[i + 3] === 'orphan') orphans++
      i += 4
    }
  }
  leases.sort((a, b) => (a.id < b.id ? -1 : 1))
  const isLeftAlone = ({ state }: FoundLease): boolean => !force && (state === 'held' || state === 'arming')
  const outcomes = new Map<string, { readonly state: SweptLease['state']; readonly detail: string }>()
  const todo = leases.filter((lease) => !isLeftAlone(lease)).map(({ id }) => id)
  const forced = force ? 'yes' : 'no'
  await Promise.all(
    lanesOf(todo).map(async (ids) => {
      const fields = await call(UNDO_SCRIPT, [forced, ...ids]).catch((error: unknown) =>
        // A lease that hangs fails those behind it, too: none of them is known to be undone.
        ids.flatMap((id) => [id, 'failed', messageOf(error)]),
      )
      for (let i = 0; i < fields.length; i += 3) {
        const [id = '', outcome, detail = ''] = fields.slice(i, i + 3)
        outcomes.set(id, { state: stateOf(outcome), detail: redact(detail.trim()) })
      }
    }),
  )
  const swept = leases.map((lease): SweptLease => {
    const outcome = outcomes.get(lease.id)
    return { ...describe(lease, base), state: outcome?.state ?? 'held', detail: outcome?.detail ?? '' }
  })
  if (orphans === 0) return swept
  return [...swept, ...orphansOf(await call(ORPHANS_SCRIPT, [forced, ...scripts]))]
}

interface FoundLease {
  readonly id: string
  readonly state: string
  readonly said: string
  readonly about: string
}

function fieldsOf({ code, signal, stdout, stderr, truncated }: RunResult, shell: Shell, directory: string): string[] {
  const fields = stdout.split('\0')
  // What follows the last NUL is not whole.
  if (code === 0 && !truncated && fields.pop() === '') return fields
  throw new SweepError(
    `Looking for leases in ${directory} on ${shell.name} ended with ${signal ?? `code ${code}`}: ${stderr.trim() || 'it said nothing'}.`,
    { remedy: 'Look there by hand: each lease has an undo.sh.' },
  )
}

function lanesOf(ids: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.min(LANES, ids.length) }, (_, lane) => ids.filter((_id, i) => i % LANES === lane))
}

function stateOf(outcome: string | undefined): SweptLease['state'] {
  return outcome === 'held' || outcome === 'undone' || outcome === 'removed' ? outcome : 'failed'
}

/** What the files of a lease tell of it. Odd ones tell nothing. */
function describe({ id, about, said }: FoundLease, base: string): Omit<SweptLease, 'state' | 'detail'> {
  const [title = '', ...lines] = about.split('\n')
  const told = (name: string, from: readonly string[]): string | undefined =>
    from.find((line) => line.startsWith(name))?.slice(name.length)
  const environment = told('environment: ', lines)
  const holder = told('holder: ', lines)
  const since = told('since: ', lines)
  const age = Number(told('age ', said.split('\n')) ?? Number.NaN)
  return {
    id,
    path: `${base}/${id}`,
    title: title.trim(),
    ...(environment === undefined ? {} : { environment }),
    ...(holder === undefined ? {} : { holder }),
    ...(since === undefined ? {} : { since }),
    ...(Number.isFinite(age) ? { ageMs: age * 1000 } : {}),
  }
}

/** What became of leftovers: first those that were undone, with exit codes, then those that a second look still found. */
function orphansOf(fields: readonly string[]): readonly SweptLease[] {
  const found = new Map<string, SweptLease>()
  for (let i = 0; i < fields.length; i += 4) {
    const [id = '', title = '', outcome, detail = ''] = fields.slice(i, i + 4)
    const known = found.get(title)
    const said = redact(detail.trim())
    if (outcome !== 'left')
      found.set(title, { id, path: '', title, state: outcome === '0' ? 'orphan' : 'failed', detail: said })
    else if (known) found.set(title, { ...known, state: 'failed', detail: known.detail || 'it is still there' })
  }
  return [...found.values()]
}
