import type { FaultPlan, HostName } from './definition.ts'
import { FaultNotHealedError } from './errors.ts'
import { armLease, type HeldLease } from './lease.ts'
import type { FaultServices } from './services.ts'

/** The leases of one fault: one on each host that it touches. */
export interface FaultLeases {
  readonly paths: readonly string[]
  /** @throws FaultNotHealedError naming each host whose undo failed */
  undo(by: string): Promise<void>
  abandon(): void
  /** Removes the leases from the hosts. What cannot be removed is left to a sweep. */
  release(): Promise<void>
}

/** Arms a lease on every host of a plan; if one cannot be armed, those that were are taken back. */
export async function armLeases(
  services: FaultServices,
  fault: { readonly id: string; readonly title: string; readonly plan: FaultPlan },
  options: { readonly signal: AbortSignal; readonly onLost: (error: Error) => void },
): Promise<FaultLeases> {
  const held: { readonly host: HostName; readonly lease: HeldLease }[] = []
  try {
    for (const host of new Set(fault.plan.steps.map((step) => step.host))) {
      const lease = await armLease({
        shell: services.shell(host),
        directory: services.leaseDirectory(host),
        id: `${fault.id}.${host}`,
        title: fault.title,
        steps: fault.plan.steps.filter((step) => step.host === host),
        ttl: services.ttl,
        within: services.deadlines.arm,
        ...options,
      })
      held.push({ host, lease })
    }
  } catch (error) {
    for (const { lease } of held)
      await lease.undo('engine', { within: services.deadlines.undo }).then(() => lease.release())
    throw error
  }
  return {
    paths: held.map(({ lease }) => lease.path),
    async undo(by) {
      const failures: string[] = []
      const causes: unknown[] = []
      await Promise.all(
        held.map(async ({ host, lease }) => {
          try {
            const result = await lease.undo(by, { within: services.deadlines.undo })
            if (result.code === 0) return
            failures.push(`on ${host} it ended with code ${result.code}: ${`${result.stdout}${result.stderr}`.trim()}`)
          } catch (error) {
            causes.push(error)
            failures.push(`on ${host}: ${error instanceof Error ? error.message : String(error)}`)
          }
        }),
      )
      if (failures.length === 0) return
      throw new FaultNotHealedError(`The undo of ${fault.title} failed: ${failures.join('; ')}.`, {
        remedy: `The host goes on trying; by hand: sh ${held.map(({ lease }) => `${lease.path}/undo.sh`).join(', sh ')}.`,
        cause: causes[0],
      })
    },
    abandon: () => held.forEach(({ lease }) => lease.abandon()),
    async release() {
      await Promise.all(held.map(({ lease }) => lease.release().catch(() => undefined)))
    },
  }
}
