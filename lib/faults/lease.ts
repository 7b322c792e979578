import { randomBytes } from 'node:crypto'
import { formatMs, messageOf, now, pause, toMs, type Duration } from '../core/index.ts'
import { commandLine, holderOf, quote, type RunResult, type Shell } from '../hosts/index.ts'
import type { FaultStep } from './definition.ts'
import { LeaseLostError, LeaseRefusedError } from './errors.ts'
import { armingCall, DROP, NO_WATCHER, NOT_OURS } from './lease-arming.ts'
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
  /** Name of the environment that the fault is in. */
  readonly environment?: string
  /** Who holds it. Default: this user, machine and process, see {@link holderOf}. */
  readonly holder?: string
  readonly steps: readonly Pick<FaultStep, 'undo' | 'undoFiles'>[]
  /** The fault is undone within this time of the last renewal. */
  readonly ttl: Duration
  /** Deadline of each call to the host. Default 20 s. */
  readonly within?: Duration
  readonly signal?: AbortSignal | undefined
  /** Told once, when the host has undone the fault because it was not renewed in time, or was rebooted. */
  readonly onLost?: (error: LeaseLostError) => void
  /** Told when it cannot be armed, before the host is cleaned up: that takes its time where the host cannot be reached. */
  readonly onRefused?: () => void
}

/** A lease that the host watches over and this process renews. */
export interface HeldLease {
  readonly id: string
  /** Its directory on the host. */
  readonly path: string
  /** What the host started its watcher with. */
  readonly watcher: string
  /** What the host counts time on: `wall` where it does not tell its uptime. */
  readonly clock: string
  /** Undoes now, through the same script that the host would run. Idempotent. Resolves with its code and what it printed. */
  undo(by: string, options: { within: Duration }): Promise<RunResult>
  /** Stops renewing and leaves the rest to the host. */
  abandon(): void
  /** Removes the lease from the host; only after an undo. */
  release(): Promise<void>
}

/** The host ends a lease at four fifths of its time, so three renewals in a row must fail before it does. */
const RENEWALS_PER_TTL = 5
const LOST = 75

/**
 * Writes the undo and the deadline to the host, syncs, and starts the host's own watcher, all in one call. Nothing may be changed
 * on the host before this has resolved. From then on the lease is renewed every fifth of its time to live.
 * @throws LeaseRefusedError if any of it cannot be done; then nothing is left there
 */
export async function armLease(options: LeaseOptions): Promise<HeldLease> {
  const { shell, id, signal } = options
  const within = options.within ?? '20s'
  const path = `${options.directory.replace(/\/+$/, '')}/${id}`
  const ttl = String(Math.round(toMs(options.ttl) / 10))
  const call = async (verb: readonly string[], limits: { within: Duration; signal?: AbortSignal | undefined }) =>
    shell.run(['sh', `${path}/lease.sh`, ...verb], limits)

  const token = randomBytes(8).toString('hex')
  const { command, stdin } = armingCall({
    directory: options.directory,
    path,
    token,
    ttl,
    texts: [
      { name: 'about', content: about(options) },
      { name: 'lease.sh', content: LEASE_SCRIPT },
      { name: 'undo.sh', content: undoScript(options.title, options.steps) },
    ],
    files: options.steps
      .flatMap((step) => step.undoFiles ?? [])
      .map((file) => ({ ...file, name: `file.${file.name}` })),
  })
  const refuse = async (code: number | null, said: string, cause?: unknown): Promise<LeaseRefusedError> => {
    options.onRefused?.()
    // Where the call itself cleaned up this finds nothing; where it was cut off it removes what it left, once it can.
    if (code !== NOT_OURS) await shell.run({ script: DROP, args: [path, token] }, { within }).catch(() => undefined)
    const remedy =
      code === NO_WATCHER
        ? 'Install setsid (util-linux) or perl there; nothing was changed.'
        : `Check that ${options.directory} is writable and its disk not full; nothing was changed.`
    return new LeaseRefusedError(
      `The lease ${id} could not be armed on ${shell.name}: ${said.replaceAll('\n', '; ')}.`,
      { remedy, cause },
    )
  }
  const armed = await shell.run(command, { within, signal, stdin }).catch(async (error: unknown) => {
    throw await refuse(null, messageOf(error).replace(/\.$/, ''), error)
  })
  const [state, , watcher = '', clock = ''] = armed.stdout.trim().split('\n')
  if (armed.code !== 0 || state !== 'held') {
    throw await refuse(armed.code, armed.stderr.trim() || `exit ${armed.signal ?? armed.code} ${state ?? ''}`.trim())
  }

  const ended = new AbortController()
  let undoing = false
  let told = false
  const lost = (by: string): void => {
    if (told) return
    told = true
    const ttlText = formatMs(toMs(options.ttl))
    const why =
      {
        reboot: 'did not survive a reboot',
        silence: `could not be renewed for ${ttlText}, its time to live`,
      }[by] ?? `was not renewed within ${ttlText}`
    options.onLost?.(
      new LeaseLostError(`The lease ${id} ${why}, so ${shell.name} has undone the fault by itself.`, {
        remedy: 'What was measured after that says nothing; use a longer safety.leaseTtl or a less loaded machine.',
      }),
    )
  }
  void renew()

  return {
    id,
    path,
    watcher: watcher.replace('watcher ', ''),
    clock: clock.replace('clock ', ''),
    async undo(by, limits) {
      undoing = true
      const result = await call(['undo', by], limits)
      const [said = '', ...log] = result.stdout.split('\n')
      if (said === 'undone watcher' || said === 'undone reboot') lost(said.replace('undone ', ''))
      return { ...result, stdout: log.join('\n') }
    },
    abandon: () => ended.abort(),
    async release() {
      ended.abort()
      await call(['release'], { within })
    },
  }

  /** Until the lease is ended or lost. Nobody waits for a call that is late: one on its way may be stuck, and the next come through. */
  async function renew(): Promise<void> {
    const everyMs = toMs(options.ttl) / RENEWALS_PER_TTL
    const limits = { within: options.ttl, signal: ended.signal } as const
    let [renewedAt, tickedAt] = [now(), now()]
    let unansweredSince: number | undefined
    // Whatever becomes of the way to the host, its own clock has ended the lease by then; and a call on a dead way takes its time.
    const silence = setInterval(() => {
      // Who was away himself asks first.
      if (now() - tickedAt > SHORT_CALL_MS) unansweredSince = now()
      tickedAt = now()
      const isSilent = unansweredSince !== undefined && tickedAt - unansweredSince > SHORT_CALL_MS
      if (isSilent && tickedAt - renewedAt > toMs(options.ttl) && !undoing) lost('silence')
    }, SHORT_CALL_MS / 5)
    ended.signal.addEventListener('abort', () => clearInterval(silence), { once: true })
    silence.unref()
    const ask = async (): Promise<void> => {
      const result = await call(['renew', ttl], limits).catch(() => undefined)
      if (result?.code === 0) {
        renewedAt = Math.max(renewedAt, result.doneAt)
        unansweredSince = undefined
      }
      if (result?.code !== LOST || ended.signal.aborted) return
      ended.abort()
      // An undo of our own refuses renewals, too.
      if (!undoing) lost(result.stdout.trim())
    }
    while (await sleptThrough(everyMs, ended.signal)) {
      unansweredSince ??= now()
      void ask()
    }
  }
}

/** What was asked for so shortly ago may still be answered. */
const SHORT_CALL_MS = 1000

function sleptThrough(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, signal).then(
    () => true,
    () => false,
  )
}

/** What a lease is for, for people and for a sweep: the title, then lines of `name: value`. */
function about({ title, environment, holder }: LeaseOptions): string {
  const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ')
  return [
    oneLine(title),
    ...(environment === undefined ? [] : [`environment: ${oneLine(environment)}`]),
    `holder: ${oneLine(holder ?? holderOf())}`,
    `since: ${new Date().toISOString()}`,
    '',
  ].join('\n')
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

/** A lease's name from what it is for. */
export function leaseId(parts: readonly string[]): string {
  return parts.map((part) => part.replaceAll(/[^A-Za-z0-9._-]+/g, '-')).join('-')
}

/** The command that undoes a lease by hand. */
export function undoByHand(path: string): string {
  return `sh ${quote(`${path}/lease.sh`)} undo me`
}
