import { messageOf, type Duration } from '../core/index.ts'
import type { DcName, DrillRecorder } from '../history/index.ts'
import { localShell, type Shell } from '../hosts/index.ts'
import type { ActiveFault, FaultEngine, HealReport } from './active.ts'
import type { DcClients, Fault, HostName } from './definition.ts'
import { describePlan } from './dry-run.ts'
import { FaultNotHealedError, FaultRefusedError, FaultTargetError } from './errors.ts'
import { injectFault } from './live-fault.ts'
import { contextOf, DEFAULT_DEADLINES, type FaultDeadlines, type FaultServices } from './services.ts'
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
    leaseDirectory: (host) =>
      environment.hosts.find(({ name }) => name === host)?.leaseDirectory ?? environment.leaseDirectory,
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

  function refuse(fault: Fault): void {
    const reason = refusal(fault, environment, active.size + injecting.size)
    if (reason) throw reason
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
    async inject(fault) {
      refuse(fault)
      const controller = new AbortController()
      const signals = [controller.signal, ended.signal, ...(signal ? [signal] : [])]
      const injection = injectFault(fault, services, AbortSignal.any(signals), (live) => {
        active.delete(live)
      })
      injecting.set(injection, controller)
      try {
        const live = await injection
        active.add(live)
        return live
      } finally {
        injecting.delete(injection)
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
    get active() {
      return [...active]
    },
    get doubts() {
      return [...doubts]
    },
    async [Symbol.asyncDispose]() {
      ended.abort(new Error('the drill is over'))
      const failed = (await healAll('the drill is over')).flatMap((report) => report.error ?? [])
      await local[Symbol.asyncDispose]()
      if (failed.length > 0) {
        throw new FaultNotHealedError(failed.map(messageOf).join('\n'), { cause: failed[0] })
      }
    },
  }
}

/** Why a fault may not be injected into an environment, before anything of it is looked at. */
function refusal(fault: Fault, environment: FaultEnvironment, on: number): FaultRefusedError | undefined {
  const { capabilities, blastRadius } = fault.definition
  const title = `${fault.kind} on ${fault.target} is refused`
  const { safety, name } = environment
  const missing = capabilities.filter((capability) => !environment.capabilities.includes(capability))
  if (missing.length > 0) {
    return new FaultRefusedError(`${title}: the environment ${name} does not offer ${missing.join(', ')}.`, {
      remedy: 'Choose a target that offers it, or skip the spec there.',
      details: { missing },
    })
  }
  if (!safety.allow.includes(blastRadius)) {
    return new FaultRefusedError(
      `${title}: it breaks a whole ${blastRadius}, and the environment ${name} allows ${safety.allow.join(', ') || 'nothing'}.`,
      { remedy: `Add '${blastRadius}' to safety.allow if that may be broken.` },
    )
  }
  if (on < safety.maxFaults) return undefined
  return new FaultRefusedError(
    `${title}: ${on} fault${on === 1 ? ' is' : 's are'} on, and the environment ${name} allows ${safety.maxFaults} at a time.`,
    { remedy: 'Heal the other first, or raise safety.maxFaults.' },
  )
}
