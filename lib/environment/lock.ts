import { randomBytes } from 'node:crypto'
import { abortedWhile, formatMs, now, pause, toMs, type Duration } from '../core/index.ts'
import { holderOf, type RunResult, type Shell } from '../hosts/index.ts'
import { EnvironmentLockedError, EnvironmentLockError } from './errors.ts'
import { LOCK_SCRIPT } from './lock-script.ts'

/** Who holds a lock. */
export interface LockHolder {
  /** User, machine, process, run, and the address of the CI job where it is known: see {@link holderOf}. */
  readonly holder: string
  /** When it was taken, by the clock of the machine that took it (ISO 8601). */
  readonly since: string
  /** Until it ends by itself if it is not renewed. */
  readonly endsInMs: number
}

/** Options of {@link acquireEnvironmentLock}. */
export interface EnvironmentLockOptions {
  /** Of a host that everybody who breaks this environment reaches. */
  readonly shell: Shell
  /** A directory of that host; made with mode 0700 if it is not there. */
  readonly directory: string
  /** Name of the environment. */
  readonly environment: string
  /** Default: this user, machine, process and CI job. */
  readonly holder?: string
  /** A lock that is not renewed for so long is anybody's. It is renewed every third of it. Default 30 s. */
  readonly ttl?: Duration
  /** Wait so long for somebody else to release it. Default: not at all. */
  readonly wait?: Duration
  readonly signal?: AbortSignal | undefined
  /** Told while waiting, at each look: who holds it, and for how long we have waited. */
  readonly onWaiting?: (held: LockHolder, waitedMs: number) => void
  /** Told once if the lock was lost: it expired while we were away, and somebody else may have it now. */
  readonly onLost?: (error: EnvironmentLockedError) => void
}

/** A lock that this process holds. Dispose of it to let the next one in. */
export interface EnvironmentLock {
  readonly path: string
  readonly holder: string
  [Symbol.asyncDispose](): Promise<void>
}

const TAKEN = 75
const CALL_WITHIN: Duration = '15s'
const LOOKS_PER_TTL = 15
const RENEWALS_PER_TTL = 3

/**
 * Takes the lock of an environment on one of its hosts, so that two runs never break it at the same time. It ends by itself when
 * its holder is gone; steps of the host's clock do not matter, and a reboot of the host ends it.
 * @throws EnvironmentLockedError naming the holder, where somebody else has it (for longer than `wait`); EnvironmentLockError
 * where it cannot be written; AbortedError
 */
export async function acquireEnvironmentLock(options: EnvironmentLockOptions): Promise<EnvironmentLock> {
  const { shell, environment, signal } = options
  const holder = (options.holder ?? holderOf()).replaceAll(/\s+/g, ' ')
  const path = `${options.directory.replace(/\/+$/, '')}/environment-${environment}.lock`
  const ttlMs = toMs(options.ttl ?? '30s')
  const ttl = String(Math.round(ttlMs / 10))
  const token = randomBytes(8).toString('hex')
  const call = (args: readonly string[], limits: { within: Duration; signal?: AbortSignal | undefined }) =>
    shell.run({ script: LOCK_SCRIPT, args: [args[0] ?? '', path, token, ...args.slice(1)] }, limits)

  const from = now()
  const waitMs = toMs(options.wait ?? '0s')
  while (true) {
    const asked = await call(['acquire', ttl, holder, new Date().toISOString()], { within: CALL_WITHIN, signal }).catch(
      async (error: unknown) => {
        // It may have been taken before the answer was lost.
        await call(['release'], { within: CALL_WITHIN }).catch(() => undefined)
        throw error
      },
    )
    if (asked.code === 0) break
    if (asked.code !== TAKEN) throw cannotLock(asked)
    const held = holderIn(asked)
    const waitedMs = now() - from
    if (waitedMs >= waitMs) throw locked(held, waitedMs)
    options.onWaiting?.(held, waitedMs)
    await pause(Math.min(ttlMs / LOOKS_PER_TTL, waitMs - waitedMs), signal).catch(() => {
      throw abortedWhile(`the lock of the environment ${environment}`, signal)
    })
  }
  const ended = new AbortController()
  const renewing = renew()

  return {
    path,
    holder,
    async [Symbol.asyncDispose]() {
      ended.abort()
      await renewing
      const released = await call(['release'], { within: CALL_WITHIN })
      if (released.code !== 0) throw cannotLock(released)
    },
  }

  async function renew(): Promise<void> {
    const everyMs = ttlMs / RENEWALS_PER_TTL
    const limits = { within: `${Math.max(1000, everyMs)}ms`, signal: ended.signal } as const
    let nextMs = everyMs
    while (await sleptThrough(nextMs, ended.signal)) {
      // A call that fails is soon followed by the next: the way to the host may come back in time.
      const result = await call(['renew', ttl], limits).catch(() => undefined)
      nextMs = result?.code === 0 ? everyMs : everyMs / 5
      if (result?.code !== TAKEN) continue
      ended.abort()
      options.onLost?.(lost(result))
    }
  }

  function locked({ holder: who, since, endsInMs }: LockHolder, waitedMs: number): EnvironmentLockedError {
    const waited = waitMs > 0 ? ` Waited ${formatMs(waitedMs)} for it.` : ''
    return new EnvironmentLockedError(
      `The environment ${environment} is locked by ${who} since ${since} (${path} on ${shell.name}); the lock ends ${formatMs(endsInMs)} from now unless it is renewed.${waited}`,
      {
        remedy: 'Let that run end first, or set FAILOVER_LOCK_WAIT to wait for it, as in FAILOVER_LOCK_WAIT=30m.',
        details: { environment, holder: who, since },
      },
    )
  }

  function lost(result: RunResult): EnvironmentLockedError {
    const owner = result.stdout.trim() === '' ? 'nobody has it now' : `${holderIn(result).holder} has it now`
    return new EnvironmentLockedError(
      `The lock of the environment ${environment} on ${shell.name} was not renewed within ${formatMs(ttlMs)} and is lost: ${owner}.`,
      { remedy: 'What was measured since then may be the work of two runs. Run again.', details: { environment } },
    )
  }

  function cannotLock({ code, signal: by, stderr, stdout }: RunResult): EnvironmentLockError {
    return new EnvironmentLockError(
      `The environment ${environment} cannot be locked on ${shell.name}: ${`${stderr}${stdout}`.trim() || `exit ${by ?? code}`}.`,
      { remedy: `Check that ${options.directory} is writable there and its disk not full.`, details: { environment } },
    )
  }
}

function holderIn({ stdout }: RunResult): LockHolder {
  const [holder = 'somebody', since = 'an unknown time', seconds = '0'] = stdout.split('\n')
  return { holder, since, endsInMs: Math.max(0, Number(seconds) || 0) * 1000 }
}

function sleptThrough(ms: number, signal: AbortSignal): Promise<boolean> {
  return pause(ms, signal).then(
    () => true,
    () => false,
  )
}
