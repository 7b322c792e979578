import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, now, pause } from '../../../lib/core/index.ts'
import { sweep, type FaultEnvironment } from '../../../lib/faults/index.ts'
import { openShells, type HostSettings } from '../../../lib/hosts/index.ts'
import { differences, hostState, type Exec, type HostState } from './host-state.ts'
import { plainHost, type Order } from './order.ts'

/** What is done to the tester, or to the host, while a fault is on its way. */
export type Killer = 'runner SIGKILL' | 'worker SIGKILL' | 'host goes dark' | 'sshd killed' | 'host rebooted'

/** Machines that trials run on. */
export interface Ground {
  readonly name: string
  readonly environment: FaultEnvironment
  readonly hosts: readonly HostSettings[]
  /** Past SSH and past every fault, by host name. */
  readonly exec: (host: string) => Exec
  /** What of {@link Killer} the machines can have done to them besides the killing of processes here. */
  readonly kill: Partial<Readonly<Record<Killer, () => Promise<void>>>>
  /** Time to live of leases there, in milliseconds: as short as the machines are quick. */
  readonly ttlMs: number
  /** Beyond the lease, in milliseconds: for an undo that is under way, and for looking. */
  readonly slackMs: number
  /** Brings back what `kill` took: SSH answers again. */
  readonly restore: () => Promise<void>
}

/** One trial: a fault, a killer, an instant. */
export interface Trial {
  readonly kind: string
  readonly params: unknown
  readonly killer: Killer
  /** Share of the fault's usual time, from before its arming until after its healing. */
  readonly instant: number
  /** Kill once the worker has said this, instead of at the instant. */
  readonly after?: 'confirmed'
  /** Time to live of the lease, in milliseconds. Default: the ground's. */
  readonly ttlMs?: number
}

/** What came of a trial. */
export interface TrialResult extends Trial {
  readonly ground: string
  /** The last thing that the worker said before it was killed. */
  readonly killedAfter: string
  /** From the killing until nothing was left on any host, in milliseconds. */
  readonly cleanAfterMs: number
  /** What was still there when the lease had ended; empty = the trial passed. */
  readonly left: readonly string[]
}

/** A fault failed by itself, so that there was nothing to be killed in. */
export class NoTrialError extends Error {}

/** The time of a fault that nobody kills: arming, injection, confirmation, this, healing. */
const HOLD_MS = 700

/** A runner that lives lets go of its other hosts once the command that it had sent to the lost one is given up for dead. */
const DEAD_CALL_MS = 6000

function runnerLives(killer: Killer): boolean {
  return killer !== 'runner SIGKILL' && killer !== 'worker SIGKILL'
}

interface Said {
  readonly step: string
  readonly at?: number
  readonly pid?: number
  readonly detail?: string
}

/**
 * Runs a fault, kills something at an instant of it, and waits until the host is as it was.
 * @returns what was left when the lease was over
 */
export async function runTrial(ground: Ground, trial: Trial, usualMs: number): Promise<TrialResult> {
  const before = await statesOf(ground)
  const attempt = await startWorker(ground, trial)
  try {
    await attempt.started
    if (trial.after) await attempt.says(trial.after)
    else await pause(trial.instant * usualMs)
    const killedAfter = attempt.last()
    // Whoever failed by himself has nothing to be killed in.
    if (killedAfter === 'error')
      throw new NoTrialError(`${trial.kind} failed before it was disturbed: ${attempt.text()}`)
    const killedAt = now()
    await kill(ground, trial.killer, attempt.pids())
    const limitMs = ground.ttlMs + ground.slackMs + (runnerLives(trial.killer) ? DEAD_CALL_MS : 0)
    let left: readonly string[] = ['never looked']
    let cleanAt = Number.NaN
    try {
      const clean = await eventually(
        async () => {
          left = await leftOn(ground, before)
          return left.length === 0 ? { done: true, value: now() } : { done: false, seen: left.join('; ') }
        },
        { within: `${limitMs}ms`, every: '100ms', describe: 'the hosts to be as they were' },
      )
      cleanAt = clean.value
    } catch {
      // What was left is the result.
    }
    await ground.restore()
    await attempt.ended()
    // A runner that lived on must not leave or bring anything either, and a sweep finds files at most.
    if (left.length === 0) {
      const found = await swept(ground)
      // Nobody watches a lease any more after a reboot: what outlives that is the next sweep's to undo.
      left = trial.killer === 'host rebooted' ? found.filter((text) => !text.includes(' was undone: ')) : found
      left = [...left, ...(await leftOn(ground, before))]
    }
    return { ...trial, ground: ground.name, killedAfter, cleanAfterMs: Math.round(cleanAt - killedAt), left }
  } finally {
    await attempt.end()
  }
}

/** How long a fault takes that nobody kills, in milliseconds. @throws Error if it does not work or leaves something. */
export async function usualTime(ground: Ground, trial: Pick<Trial, 'kind' | 'params'>): Promise<number> {
  const before = await statesOf(ground)
  const attempt = await startWorker(ground, trial)
  try {
    await attempt.started
    const from = now()
    await attempt.ended()
    if (attempt.last() !== 'ended')
      throw new NoTrialError(`${trial.kind} does not work on ${ground.name}: ${attempt.text()}`)
    const left = await leftOn(ground, before)
    if (left.length > 0) throw new Error(`${trial.kind} leaves something on ${ground.name}: ${left.join('; ')}`)
    return now() - from
  } finally {
    await attempt.end()
  }
}

async function statesOf(ground: Ground): Promise<Readonly<Record<string, HostState>>> {
  const states = await Promise.all(
    ground.hosts.map(async ({ name }) => [name, await hostState(ground.exec(name))] as const),
  )
  return Object.fromEntries(states)
}

async function leftOn(ground: Ground, before: Readonly<Record<string, HostState>>): Promise<readonly string[]> {
  const found = await Promise.all(
    ground.hosts.map(async ({ name }) =>
      differences(before[name] ?? {}, await hostState(ground.exec(name))).map((text) => `${name} ${text}`),
    ),
  )
  return found.flat()
}

/** Undoes whatever is on, also what somebody still holds. */
export async function healLeftovers(ground: Ground): Promise<void> {
  await swept(ground, true)
}

/** What a sweep still had to undo, host by host. */
async function swept(ground: Ground, force = false): Promise<readonly string[]> {
  const shells = openShells(ground.hosts)
  try {
    const found = await Promise.all(
      ground.hosts.map(async ({ name, leaseDirectory }) => {
        const shell = shells.byName[name]
        if (!shell) throw new Error(`there is no shell of ${name}`)
        return sweep(leaseDirectory, { shell, force })
      }),
    )
    return found
      .flat()
      .flatMap(({ id, state, detail }) => (state === 'removed' ? [] : [`${id} was ${state}: ${detail}`]))
  } finally {
    await shells[Symbol.asyncDispose]()
  }
}

async function kill(
  ground: Ground,
  killer: Killer,
  pids: { readonly runner: number; readonly worker: number },
): Promise<void> {
  if (killer === 'runner SIGKILL') return signal(pids.runner)
  if (killer === 'worker SIGKILL') return signal(pids.worker)
  const act = ground.kill[killer]
  if (!act) throw new Error(`${ground.name} cannot do ${killer}`)
  await act()
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It had ended already: an instant like any other.
  }
}

async function startWorker(
  ground: Ground,
  { kind, params, ttlMs = ground.ttlMs }: Pick<Trial, 'kind' | 'params' | 'ttlMs'>,
) {
  const directory = mkdtempSync(join(tmpdir(), 'failover-kill-'))
  const file = join(directory, 'order.json')
  const order: Order = {
    environment: ground.environment,
    hosts: ground.hosts.map(plainHost),
    fault: { kind, params },
    ttl: `${ttlMs}ms`,
    holdMs: HOLD_MS,
  }
  writeFileSync(file, JSON.stringify(order), { mode: 0o600 })
  const runner = spawn(process.execPath, [program('runner'), program('worker'), file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const said: Said[] = []
  let text = ''
  let begun: () => void = () => undefined
  const started = new Promise<void>((resolve) => (begun = resolve))
  const listen = (chunk: Buffer): void => {
    text += chunk.toString()
    said.length = 0
    for (const line of text.split('\n').slice(0, -1)) {
      if (!line.startsWith('{')) continue
      said.push(JSON.parse(line) as Said)
      if (said.some(({ step }) => step === 'ready')) begun()
    }
  }
  runner.stdout.on('data', listen)
  let errors = ''
  runner.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  // Not before the last one that writes to them has ended: the worker outlives a killed runner.
  const closed = Promise.all([
    new Promise((resolve) => runner.stdout.once('close', resolve)),
    new Promise((resolve) => runner.stderr.once('close', resolve)),
  ])
  void closed.then(begun)
  const worker = (): number => said.find(({ step }) => step === 'started')?.pid ?? 0
  return {
    started,
    last: () => said.findLast(({ step }) => step !== 'started')?.step ?? 'nothing',
    text: () => `${text}${errors}`,
    pids: () => ({ runner: runner.pid ?? 0, worker: worker() }),
    async says(step: string): Promise<void> {
      await eventually(
        () =>
          Promise.resolve(
            said.some((one) => one.step === step) ? { done: true, value: true } : { done: false, seen: text },
          ),
        { within: '60s', every: '1ms', describe: `the worker to say ${step}` },
      )
    },
    async ended(): Promise<void> {
      await eventually(
        async () => {
          const over = await Promise.race([closed.then(() => true), pause(50).then(() => false)])
          return over ? { done: true, value: true } : { done: false, seen: `it last said ${text.slice(-300)}` }
        },
        { within: '120s', every: '1ms', describe: 'the worker to end' },
      )
    },
    async end(): Promise<void> {
      for (const pid of [runner.pid ?? 0, worker()]) if (pid > 0) signal(pid)
      await closed
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const programs = new Map<string, string>()

/** The program of that name as one file, made once per process. Its packages stay outside: one of them is native. */
function program(name: 'runner' | 'worker'): string {
  const known = programs.get(name)
  if (known !== undefined) return known
  const file = join('.failover', 'scripts', `kill-${name}-${process.pid}.mjs`)
  execFileSync(process.execPath, [
    'scripts/run-ts.mjs',
    '--bundle-only',
    file,
    join(import.meta.dirname, `${name}.main.ts`),
  ])
  process.once('exit', () => rmSync(file, { force: true }))
  programs.set(name, file)
  return file
}
