import { z } from 'zod'
import { serviceIsBack } from '../api/service.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Evidence, Fault, FaultContext, InjectedSteps } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { cutMode, type CutMode } from '../network/cut.ts'
import { hostIsolationKind } from '../network/host-isolation.ts'
import type { DcName } from '../../history/index.ts'

const params = z.strictObject({ dc: dcParam, mode: cutMode })

/** All hosts of a data centre are cut off at the same moment. */
export const dataCenterIsolatedKind = defineFault({
  kind: 'data-center-isolated',
  summary: 'All hosts of a data centre are cut off at once, from its peer and from its clients; they go on working.',
  params,
  capabilities: [...hostIsolationKind.capabilities, 'management'],
  blastRadius: 'data-center',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,

  async survey(context, { dc, mode }) {
    const surveyed = await Promise.allSettled(
      hostsOf(context, dc).map(async (host) => ({
        host,
        facts: await hostIsolationKind.survey(context, { host, mode }),
      })),
    )
    const found = surveyed.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    const failed = surveyed.find((one) => one.status === 'rejected')
    if (!failed) return found
    for (const { facts } of found) hostIsolationKind.dispose?.(facts)
    throw failed.reason
  },

  plan: (context, { dc, mode }, hosts) => ({
    steps: hosts.flatMap(({ host, facts }) => hostIsolationKind.plan(context, { host, mode }, facts).steps),
    atOnce: true,
    effect: `No host of ${dc} (${hosts.map(({ host }) => host).join(', ')}) reaches anything or is reached, but for the control path; their processes live.`,
    outage: [dc],
  }),

  async confirm(context, { mode }, hosts, injected) {
    const confirmed = await Promise.all(
      hosts.map(({ host, facts }, i) =>
        hostIsolationKind.confirm(context, { host, mode }, facts, stepsOf(injected, i, hosts.length)),
      ),
    )
    const at = confirmed.map((one) => one.injected ?? injected.at)
    const outage = {
      earliest: Math.min(...at.map(({ earliest }) => earliest)),
      // It serves until the last of them is cut off.
      latest: Math.max(...at.map(({ latest }) => latest)),
    }
    return {
      injected: outage,
      outage,
      evidence: { hosts: confirmed.map(({ evidence }, i): Evidence => ({ host: hosts[i]?.host ?? '', ...evidence })) },
    }
  },

  async confirmHealed(context, { dc, mode }, hosts) {
    await Promise.all(hosts.map(({ host, facts }) => hostIsolationKind.confirmHealed(context, { host, mode }, facts)))
    return serviceIsBack(context, dc)
  },

  dispose(hosts) {
    for (const { facts } of hosts) hostIsolationKind.dispose?.(facts)
  },
})

/** Options of {@link dataCenterIsolated}. */
export interface DataCenterIsolation {
  /** Default `blackhole`: what is sent is swallowed in silence. `reset` ends connections and refuses new ones. */
  readonly mode?: CutMode
}

/**
 * Cuts all hosts of a data centre off at the same moment, from the other data centre and from clients; the control path stays.
 * To everyone outside that is what its crash looks like, and it can be done where there is no power switch. But its processes
 * live on, and what they do meets the world again when it heals.
 *
 * By the toolkit's rules: the other side declares it down after (M-1)·P to (M+1)·P and takes over what it holds of its snapshots;
 * it does the same with the other side, so each works for both. Healed after that, both stay silent and hold each other for down
 * until the toolkit of one of them is restarted (stuck split brain).
 */
export function dataCenterIsolated(dc: DcRef, { mode }: DataCenterIsolation = {}): Fault {
  return dataCenterIsolatedKind.with({ dc: nameOf(dc), mode: mode ?? 'blackhole' })
}

function hostsOf({ environment }: FaultContext, dc: DcName): readonly string[] {
  const hosts = environment.hosts.filter((host) => host.dc === dc).map(({ name }) => name)
  if (hosts.length > 0) return hosts
  throw new FaultTargetError(`The environment ${environment.name} has no host with a shell at ${dc}.`, {
    remedy: `Name the hosts of ${dc} with their SSH, or use dataCenterCrash with power commands.`,
  })
}

/** The part of what was done that belongs to one of several hosts, each with as many steps. */
function stepsOf({ steps }: InjectedSteps, index: number, hosts: number): InjectedSteps {
  const each = steps.length / hosts
  const own = steps.slice(index * each, (index + 1) * each)
  return {
    at: {
      earliest: Math.min(...own.map(({ at }) => at.earliest)),
      latest: Math.max(...own.map(({ at }) => at.latest)),
    },
    steps: own,
  }
}
