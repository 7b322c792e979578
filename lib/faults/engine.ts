import { messageOf, now, type Duration } from '../core/index.ts'
import type { DcName, DrillRecorder } from '../history/index.ts'
import { localShell, type Shell } from '../hosts/index.ts'
import type { ActiveFault, FaultEngine, HealReport } from './active.ts'
import type { DcClients, Fault, HostName } from './definition.ts'
import { describePlan } from './dry-run.ts'
import { FaultNotHealedError, FaultRefusedError, FaultTargetError } from './errors.ts'
import { leaseDirectoryOf } from './lease-path.ts'
import { injectFault } from './live-fault.ts'
import { refusal } from './refusal.ts'
import { contextOf, DEFAULT_DEADLINES, type FaultDeadlines, type FaultServices } from './services.ts'
import { watchStops, type StopCondition } from './stop-condition.ts'
import { survivorCondition } from './survivor-condition.ts'
import type { FaultEnvironment } from './target.ts'

/** What an engine works with. */
export interface FaultEngineOptions {
  readonly environment: FaultEnvironment
  readonly clients: Readonly<Record<DcName, DcClients>>
  readonly recorder: Pick<DrillRecorder, 'event'>
  /** Shells by host; the engine does not end them. `runner` is this machine's unless it is given. */
  readonly shells: Readonly<Record<HostName, Shell>>
  /** Default: `safety.leaseTtl` of the environment. */
  readonly ttl?: Duration
  readonly deadlines?: Partial<FaultDeadlines>
  /** Ends injections that are under way; they are undone. Healing never listens to it. */
  readonly signal?: AbortSignal
  /** Who breaks things, for whoever finds a lease. Default: this user, machine and process. */
  readonly holder?: string
  /** Name of the production environment that may be broken (FAILOVER_ALLOW_PRODUCTION). */
  readonly allowProduction?: string | undefined
  /** Watched while a fault is on. Default: that the survivor is well, by `safety.stop` of the environment. */
  readonly stopConditions?: readonly StopCondition[]
}

/** An engine for one environment. Dispose of it to heal everything. */
export function createFaultEngine(options: FaultEngineOptions): FaultEngine {
  const { environment, recorder, signal } = options
  const local = localShell()
  const ended = new AbortController()
  const active = new Set<ActiveFault>()
  const injecting = new Map<Promise<unknown>, AbortController>()
  const doubts: string[] = []
  const services: FaultServices = {
    environment,
    clients: options.clients,
    shell(host) {
      const shell = options.shells[host] ?? (host === 'runner' ? local : undefined)
      if (shell) return shell
      throw new FaultTargetError(`The environment ${environment.name} has no host ${host}.`, {
        remedy: `Its hosts: ${environment.hosts.map(({ name }) => name).join(', ') || 'none'}.`,
      })
    },
    leaseDirectory: (host) => leaseDirectoryOf(environment, host),
    ...(options.holder === undefined ? {} : { holder: options.holder }),
    ttl: options.ttl ?? environment.safety.leaseTtl,
    deadlines: { ...DEFAULT_DEADLINES, ...options.deadlines },
    record(event) {
      try {
        recorder.event(event)
      } catch (error) {
        // Healing must go on although the record is closed; that something is missing from it must be known.
        doubts.push(`An event of the fault engine could not be recorded: ${messageOf(error)}`)
      }
    },
    doubt: (text) => doubts.push(text),
  }

  const stopped = new AbortController()
  let stopping: Promise<unknown> = Promise.resolve()
  const watch = watchStops({
    conditions: options.stopConditions ?? [survivorCondition(environment.safety.stop)],
    context: (checkSignal, since) => ({
      environment,
      clients: options.clients,
      shell: services.shell,
      active: [...active],
      since,
      signal: checkSignal,
    }),
    onStop(reason) {
      const detail = `stopped: ${reason}`
      services.doubt(detail)
      services.record({ type: 'gate', at: now(), name: 'stop-condition', verdict: 'inconclusive', detail })
      stopped.abort(new Error(detail))
      stopping = healAll(detail)
    },
  })
  const endWatchWhereNothingIsOn = (): void => {
    if (active.size + injecting.size === 0) watch.end()
  }

  function refuse(fault: Fault, beside = 0): void {
    const { allowProduction } = options
    const reason = refusal(fault, { environment, on: active.size + injecting.size + beside, allowProduction })
    if (reason) throw reason
    if (stopped.signal.aborted) {
      throw new FaultRefusedError(`${fault.kind} is refused: the drill was ${messageOf(stopped.signal.reason)}.`)
    }
    if (ended.signal.aborted) throw new FaultRefusedError(`${fault.kind} is refused: the drill is over.`)
    signal?.throwIfAborted()
  }

  async function healAll(reason: string): Promise<readonly HealReport[]> {
    for (const controller of injecting.values()) controller.abort(new Error(reason))
    await Promise.allSettled(injecting.keys())
    return Promise.all(
      [...active].map(async (fault) => {
        const report = { id: fault.id, kind: fault.kind, target: fault.target }
        try {
          return { ...report, healed: await fault.heal() }
        } catch (error) {
          return { ...report, error: error instanceof Error ? error : new Error(String(error)) }
        }
      }),
    )
  }

  return {
    check: refuse,
    async inject(fault, { signal: own } = {}) {
      refuse(fault)
      const controller = new AbortController()
      const signals = [controller.signal, ended.signal, signal, own].filter((one) => one !== undefined)
      const injection = injectFault(fault, services, AbortSignal.any(signals), (live) => {
        active.delete(live)
        endWatchWhereNothingIsOn()
      })
      injecting.set(injection, controller)
      watch.begin()
      try {
        const live = await injection
        active.add(live)
        return live
      } finally {
        injecting.delete(injection)
        endWatchWhereNothingIsOn()
      }
    },
    async dryRun(fault) {
      const context = contextOf(services, `${fault.kind}-dry-run`, signal ?? ended.signal)
      const facts = await fault.definition.survey(context, fault.params)
      try {
        return describePlan(fault, fault.definition.plan(context, fault.params, facts))
      } finally {
        fault.definition.dispose?.(facts)
      }
    },
    healAll,
    stopped: stopped.signal,
    get active() {
      return [...active]
    },
    get doubts() {
      return [...doubts]
    },
    async [Symbol.asyncDispose]() {
      ended.abort(new Error('the drill is over'))
      await stopping
      const failed = (await healAll('the drill is over')).flatMap((report) => report.error ?? [])
      watch.end()
      await local[Symbol.asyncDispose]()
      if (failed.length > 0) {
        throw new FaultNotHealedError(failed.map(messageOf).join('\n'), { cause: failed[0] })
      }
    },
  }
}
