import { messageOf } from '../core/index.ts'
import type { FaultPlan, HostName } from './definition.ts'
import { FaultNotHealedError, LeaseRefusedError } from './errors.ts'
import { armLease, type HeldLease } from './lease.ts'
import type { FaultServices } from './services.ts'

/** The leases of one fault: one on each host that it touches. */
export interface FaultLeases {
  readonly paths: readonly string[]
  /** Hosts in the order of the plan. */
  readonly hosts: readonly HostName[]
  /** @throws FaultNotHealedError naming each host whose undo failed */
  undo(by: string): Promise<void>
  abandon(): void
  /** Removes the leases from the hosts. What cannot be removed is left to a sweep. */
  release(): Promise<void>
}

/**
 * Arms a lease on every host of a plan, side by side; if one cannot be armed, those that were are taken back at once.
 * @throws LeaseRefusedError naming each host that refused
 */
export async function armLeases(
  services: FaultServices,
  fault: { readonly id: string; readonly title: string; readonly plan: FaultPlan },
  options: { readonly signal: AbortSignal; readonly onLost: (error: Error) => void },
): Promise<FaultLeases> {
  const hosts = [...new Set(fault.plan.steps.map((step) => step.host))]
  const within = services.deadlines.arm
  const givenUp = new AbortController()
  const takenBack: Promise<void>[] = []
  const arm = async (host: HostName): Promise<HostLease> => {
    const shell = services.shell(host)
    const steps = fault.plan.steps.filter((step) => step.host === host)
    const arming = armLease({
      shell,
      directory: services.leaseDirectory(host),
      id: `${fault.id}.${host}`,
      title: fault.title,
      environment: services.environment.name,
      ...(services.holder === undefined ? {} : { holder: services.holder }),
      steps,
      ttl: services.ttl,
      within,
      onRefused: () => givenUp.abort(),
      ...options,
    })
    // For the step that follows, whose time is to be known well. Should it fail, the arming says why.
    const isCommand = steps.some((step) => 'command' in step.do)
    if (isCommand) shell.warm?.({ shells: 1, within, signal: options.signal }).catch(() => undefined)
    const held = { host, lease: await arming }
    // Nothing has been changed yet: what cannot be taken back now ends by itself.
    const takeBack = (): void => {
      const own = leasesOf([held], fault.title, services)
      takenBack.push(
        own.undo('engine').then(
          () => own.release(),
          () => own.abandon(),
        ),
      )
    }
    if (givenUp.signal.aborted) takeBack()
    else givenUp.signal.addEventListener('abort', takeBack, { once: true })
    return held
  }
  const armed = await Promise.allSettled(hosts.map(arm))
  const held = armed.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const refusals = armed.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []))
  if (refusals.length === 0) return leasesOf(held, fault.title, services)
  givenUp.abort()
  await Promise.all(takenBack)
  if (refusals.length === 1) throw refusals[0]
  throw new LeaseRefusedError(refusals.map(messageOf).join(' '), { cause: refusals[0] })
}

interface HostLease {
  readonly host: HostName
  readonly lease: HeldLease
}

function leasesOf(held: readonly HostLease[], title: string, { deadlines }: FaultServices): FaultLeases {
  return {
    paths: held.map(({ lease }) => lease.path),
    hosts: held.map(({ host }) => host),
    async undo(by) {
      const failures: string[] = []
      const causes: unknown[] = []
      await Promise.all(
        held.map(async ({ host, lease }) => {
          try {
            const result = await lease.undo(by, { within: deadlines.undo })
            if (result.code === 0) return
            failures.push(`on ${host} it ended with code ${result.code}: ${`${result.stdout}${result.stderr}`.trim()}`)
          } catch (error) {
            causes.push(error)
            failures.push(`on ${host}: ${messageOf(error)}`)
          }
        }),
      )
      if (failures.length === 0) return
      throw new FaultNotHealedError(`The undo of ${title} failed: ${failures.join('; ')}.`, {
        remedy: `The host goes on trying; by hand: ${held.map(({ host, lease }) => `on ${host}: sh ${lease.path}/undo.sh`).join(', ')}.`,
        cause: causes[0],
      })
    },
    abandon: () => held.forEach(({ lease }) => lease.abandon()),
    async release() {
      await Promise.all(held.map(({ lease }) => lease.release().catch(() => undefined)))
    },
  }
}
