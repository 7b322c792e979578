import { formatMs, messageOf, pause, toMs, type Duration } from '../core/index.ts'
import { commandLine, quote, type RunResult, type Shell } from '../hosts/index.ts'
import type { FaultStep, UndoFile } from './definition.ts'
import { LeaseLostError, LeaseRefusedError } from './errors.ts'
import { LEASE_SCRIPT } from './lease-script.ts'

/** What a lease is armed with. */
export interface LeaseOptions {
  readonly shell: Shell
  /** Directory of all leases on that machine; made with mode 0700 if it is not there. */
  readonly directory: string
  /** Name of this lease: letters, digits, `.`, `_` and `-`. */
  readonly id: string
  /** What the lease is for, for whoever finds it. */
  readonly title: string
  readonly steps: readonly Pick<FaultStep, 'undo' | 'undoFiles'>[]
  /** The fault is undone within this time of the last renewal. */
  readonly ttl: Duration
  /** Deadline of each call to the host. Default 10 s. */
  readonly within?: Duration
  readonly signal?: AbortSignal | undefined
  /** Told once, when the host has undone the fault because it was not renewed in time. */
  readonly onLost?: (error: LeaseLostError) => void
}

/** A lease that the host watches over and this process renews. */
export interface HeldLease {
  readonly id: string
  /** Its directory on the host. */
  readonly path: string
  /** Undoes now, through the same script that the host would run. Idempotent. Resolves with its code and what it printed. */
  undo(by: string, options: { within: Duration }): Promise<RunResult>
  /** Stops renewing and leaves the rest to the host. */
  abandon(): void
  /** Removes the lease from the host; only after an undo. */
  release(): Promise<void>
}

const RENEWALS_PER_TTL = 3
const LOST = 75

/**
 * Writes the undo and the deadline to the host, syncs, and starts the host's own watcher. Nothing may be changed on the host
 * before this has resolved. From then on the lease is renewed every third of its time to live.
 * @throws LeaseRefusedError if any of it cannot be done; then nothing is left there
 */
export async function armLease(options: LeaseOptions): Promise<HeldLease> {
  const { shell, id } = options
  const within = options.within ?? '10s'
  const path = `${options.directory.replace(/\/+$/, '')}/${id}`
  const ttl = String(Math.round(toMs(options.ttl) / 10))
  const call = async (verb: readonly string[], limits: { within: Duration; signal?: AbortSignal | undefined }) =>
    shell.run(['sh', `${path}/lease.sh`, ...verb], limits)

  const must = async (what: string, run: Promise<RunResult>): Promise<void> => {
    const result = await run.catch((error: unknown) => ({ code: null, stderr: messageOf(error), stdout: '' }))
    if (result.code === 0) return
    await shell.run(['rm', '-rf', path], { within }).catch(() => undefined)
    throw new LeaseRefusedError(
      `The lease ${id} could not be armed on ${shell.name}: ${what} failed: ${result.stderr.trim() || `exit ${result.code}`}.`,
      { remedy: `Check that ${options.directory} is writable and its disk not full; nothing was changed.` },
    )
  }
  const limits = { within, signal: options.signal }
  await must('making its directory', shell.run({ script: MAKE_DIRECTORY, args: [options.directory, path] }, limits))
  const files: UndoFile[] = [
    { name: 'about', content: `${options.title}\n` },
    { name: 'lease.sh', content: LEASE_SCRIPT },
    { name: 'undo.sh', content: undoScript(options.title, options.steps) },
    ...options.steps.flatMap((step) => step.undoFiles ?? []).map((file) => ({ ...file, name: `file.${file.name}` })),
  ]
  for (const file of files) {
    const target = `${path}/${file.name}`
    await must(
      `writing ${file.name}`,
      shell.run({ script: WRITE_FILE, args: [target] }, { ...limits, stdin: file.content }),
    )
  }
  await must('starting its watcher', call(['arm', ttl], limits))

  const ended = new AbortController()
  let undoing = false
  let told = false
  const lost = (): void => {
    if (told) return
    told = true
    options.onLost?.(
      new LeaseLostError(
        `The lease ${id} was not renewed within ${formatMs(toMs(options.ttl))}, so ${shell.name} has undone the fault by itself.`,
        { remedy: 'What was measured after that says nothing; use a longer safety.leaseTtl or a less loaded machine.' },
      ),
    )
  }
  const everyMs = toMs(options.ttl) / RENEWALS_PER_TTL
  void (async () => {
    while (!ended.signal.aborted) {
      await pause(everyMs, ended.signal)
      const result = await call(['renew', ttl], { within: `${Math.max(1000, everyMs)}ms`, signal: ended.signal })
      if (result.code !== LOST) continue
      ended.abort()
      // An undo of our own refuses renewals, too.
      if (!undoing) lost()
    }
  })().catch(() => undefined)

  return {
    id,
    path,
    async undo(by, { within }) {
      // Renewing goes on: an undo that takes long must not meet the watcher's.
      undoing = true
      const result = await call(['undo', by], { within })
      const status = await call(['status'], { within: '10s' })
      if (status.stdout.trim() === 'undone watcher') lost()
      return result
    },
    abandon: () => ended.abort(),
    async release() {
      ended.abort()
      await call(['release'], { within })
    },
  }
}

/** The undo of all steps as one script, last step first. It needs nothing but the files beside it. */
export function undoScript(title: string, steps: readonly Pick<FaultStep, 'undo'>[]): string {
  const undos = [...steps].reverse().map((step) => `${commandLine(step.undo)} || failed=1`)
  return [
    '#!/bin/sh',
    `# Undoes: ${title.replaceAll(/\s+/g, ' ')}`,
    '# Safe to run at any time, more than once, and when nothing was done.',
    'LEASE=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit 1',
    'export LEASE',
    'failed=0',
    ...undos,
    'exit "$failed"',
    '# end of undo',
    '',
  ].join('\n')
}

const MAKE_DIRECTORY = `umask 077; mkdir -p -- "$1" && mkdir -- "$2"`
const WRITE_FILE = `umask 077; cat >"$1"`

/** A lease's name from what it is for. */
export function leaseId(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll(/[^A-Za-z0-9._-]+/g, '-')).join('-')
}

/** The command that undoes a lease by hand. */
export function undoByHand(path: string): string {
  return `sh ${quote(`${path}/lease.sh`)} undo me`
}
