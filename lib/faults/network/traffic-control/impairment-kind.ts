import { formatMs } from '../../../core/index.ts'
import type {
  Confirmation,
  Evidence,
  FaultContext,
  FaultDefinition,
  FaultPlan,
  InjectedSteps,
} from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { changedBetween, usesRelays } from '../links.ts'
import { confirmDelay, confirmNoDelay } from './confirm-delay.ts'
import { confirmPackets, confirmPacketsWhole, countedByTc } from './confirm-packets.ts'
import { capacityOf, confirmRateOfKernels, confirmRateOfRelays, requireFaster } from './confirm-rate.ts'
import { nameOfDirection, waysOf, type Direction } from './direction.ts'
import { partsOf, type Impairment, type ImpairmentPart } from './impairment.ts'
import { planOnKernel } from './kernel-plan.ts'
import { leafOf } from './leaf.ts'
import { countedByNetfilter, isByNetfilter, planByNetfilter, requireNoLossRules } from './loss-fallback.ts'
import { planOnLinks } from './on-links.ts'
import { measureTrips, probeBefore, type ProbedPath } from './probes.ts'
import { formatRate } from './rate.ts'
import { requireAsBefore, requireUsable, surveyTrafficControl, type TrafficControlFacts } from './survey.ts'
import type { ExpectedRise } from './tolerance.ts'

/** What the survey of an impairment found: the ways that probes go, and the hosts where no relays are. */
export interface ImpairmentFacts {
  readonly paths: readonly ProbedPath[]
  readonly kernel?: TrafficControlFacts
}

/** What all faults that impair the way between data centres have in common. */
export type ImpairmentKind<P extends Direction> = Pick<
  FaultDefinition<P, ImpairmentFacts>,
  'blastRadius' | 'target' | 'affects' | 'deadlines' | 'survey' | 'plan' | 'confirm' | 'confirmHealed'
>

const PACKET_PARTS: readonly ImpairmentPart[] = ['loss', 'corruption', 'duplication', 'reordering']

/** A kind of fault that does to packets, or to a lab's bytes, what its parameters say, and measures that it does. */
export function impairmentKind<P extends Direction>(impairmentOf: (params: P) => Impairment): ImpairmentKind<P> {
  return {
    blastRadius: 'link',
    target: nameOfDirection,
    affects: () => undefined,
    deadlines: () => ({ survey: '60s', confirm: '120s', confirmHealed: '120s' }),

    async survey(context, params) {
      const impairment = impairmentOf(params)
      const isOnRelays = usesRelays(context.environment)
      const kernel = isOnRelays ? undefined : await surveyTrafficControl(context, params)
      if (kernel) requirePossible(kernel, impairment)
      const paths = await probeBefore(context, params, kernel?.sides)
      const limit = impairment.rateBitsPerSecond
      if (limit !== undefined) await requireFaster(context, sendingPaths(params, paths), limit)
      return { paths, ...(kernel ? { kernel } : {}) }
    },

    plan(context, params, { kernel }): FaultPlan {
      const impairment = impairmentOf(params)
      if (!kernel) return planOnLinks(context, params, impairment)
      if (impairment.lossPercent !== undefined && isByNetfilter(impairment, kernel.senders)) {
        return planByNetfilter(context, kernel, params, impairment.lossPercent)
      }
      return planOnKernel(context, kernel, params, impairment)
    },

    async confirm(context, params, facts, injected): Promise<Confirmation> {
      const impairment = impairmentOf(params)
      const { paths, kernel } = facts
      const rise = riseOf(impairment, params)
      const evidence: Record<string, Evidence | string> = { by: mechanismOf(facts, impairment) }
      if (rise) evidence['delay'] = await confirmDelay(context, paths, rise)
      const all = paths.map(({ path }) => path)
      if (kernel && isOfPackets(impairment)) {
        const senders = countedSenders(context, kernel, params, impairment)
        evidence['packets'] = await confirmPackets(context, senders, all, impairment)
      }
      const limit = impairment.rateBitsPerSecond
      if (limit !== undefined) {
        evidence['rate'] = kernel
          ? await confirmRateOfKernels(context, kernel.senders, all, limit)
          : await confirmRateOfRelays(context, sendingPaths(params, paths), limit)
      }
      return { ...changed(injected, kernel), evidence }
    },

    async confirmHealed(context, params, { paths, kernel }): Promise<Confirmation> {
      const impairment = impairmentOf(params)
      const evidence: Record<string, Evidence | string | boolean> = {}
      if (kernel) {
        await Promise.all(kernel.senders.map((sender) => requireAsBefore(context, sender)))
        evidence['trafficControlAsBefore'] = true
        if (isByNetfilter(impairment, kernel.senders)) await requireNoLossRules(context, kernel, params)
      }
      const rise = riseOf(impairment, params)
      evidence['delay'] = rise ? await confirmNoDelay(context, paths, rise) : await confirmAnswers(context, paths)
      const all = paths.map(({ path }) => path)
      if (kernel && isOfPackets(impairment)) {
        const senders = countedSenders(context, kernel, params, impairment)
        evidence['packets'] = await confirmPacketsWhole(context, senders, all, impairment)
      }
      const limit = impairment.rateBitsPerSecond
      if (limit !== undefined) evidence['rate'] = await confirmFaster(context, sendingPaths(params, paths), limit)
      return { evidence }
    },
  }
}

/** @throws FaultTargetError if a kernel cannot do it, its effect could not be seen, or what is there would be lost */
function requirePossible(kernel: TrafficControlFacts, impairment: Impairment): void {
  const { senders, sides } = kernel
  const blind = senders.find(({ way }) => sides[way.to].length === 0)
  const isSeenThere = partsOf(impairment).find((part) => ['corruption', 'duplication', 'reordering'].includes(part))
  if (blind && isSeenThere !== undefined) {
    throw new FaultTargetError(
      `${isSeenThere} is seen where packets arrive, and no host of ${blind.way.to} has a shell to look from.`,
      { remedy: `Give ${blind.way.to} a host with SSH.` },
    )
  }
  if (isByNetfilter(impairment, senders)) return
  for (const sender of senders) {
    for (const { mtu } of sender.egress.length > 0 ? sender.egress : [{ mtu: 1500 }]) {
      leafOf(impairment, { kernel: sender.kernel, host: sender.network.host, mtu })
    }
    requireUsable(sender)
  }
}

function isOfPackets(impairment: Impairment): boolean {
  return partsOf(impairment).some((part) => PACKET_PARTS.includes(part))
}

function countedSenders(context: FaultContext, kernel: TrafficControlFacts, params: Direction, impairment: Impairment) {
  if (isByNetfilter(impairment, kernel.senders)) return countedByNetfilter(context, kernel, params)
  return kernel.senders.map((sender) => countedByTc(context, sender, kernel.sides))
}

/** What a delay is expected to add to round trips; the delay of a fault that reorders is not what it is for. */
function riseOf({ delay, reorderPercent, lossPercent }: Impairment, { oneWay }: Direction): ExpectedRise | undefined {
  if (!delay || reorderPercent !== undefined) return undefined
  const { delayMs, jitterMs, correlation } = delay
  return {
    delayMs,
    jitterMs,
    directions: oneWay ? 1 : 2,
    hasOutliers: lossPercent !== undefined,
    ...(correlation === undefined ? {} : { correlation }),
  }
}

/** The ways that start where the fault hits what is sent. */
function sendingPaths(params: Direction, paths: readonly ProbedPath[]) {
  const froms: readonly string[] = waysOf(params).map(({ from }) => from)
  return paths.flatMap(({ path }) => (froms.includes(path.from) ? [path] : []))
}

function mechanismOf({ kernel }: ImpairmentFacts, impairment: Impairment): string {
  if (!kernel) return 'relays of the lab'
  if (isByNetfilter(impairment, kernel.senders)) return 'packet filter (random), for lack of netem'
  const kinds = kernel.senders.map(
    ({ kernel: has, network }) => leafOf(impairment, { kernel: has, host: network.host, mtu: 1500 }).kind,
  )
  return `tc ${[...new Set(kinds)].join(', ')}`
}

/** Relays tell when they changed; kernels have done so when their command is over. */
function changed(injected: InjectedSteps, kernel: TrafficControlFacts | undefined): Pick<Confirmation, 'injected'> {
  const at = kernel ? undefined : changedBetween(injected)
  return at ? { injected: at } : {}
}

async function confirmAnswers(context: FaultContext, paths: readonly ProbedPath[]): Promise<Evidence> {
  const answered: string[] = []
  for (const { path } of paths) {
    const measured = await measureTrips(context, path, { withinMs: 4000, connections: 3, asks: 1 })
    if ('problem' in measured) throw new FaultTargetError(`${path.id} does not answer: ${measured.problem}.`)
    answered.push(`${path.id} in ${formatMs(measured.spread.asking.median)}`)
  }
  return { answered }
}

async function confirmFaster(
  context: FaultContext,
  paths: ReturnType<typeof sendingPaths>,
  limit: number,
): Promise<Evidence> {
  const found: Record<string, string> = {}
  for (const path of paths) {
    const capacity = await capacityOf(context, path, limit)
    if (capacity < limit * 1.2) {
      throw new FaultTargetError(
        `Still slow: ${path.id} carries ${formatRate(capacity)}, and the limit was ${formatRate(limit)}.`,
      )
    }
    found[path.id] = formatRate(capacity)
  }
  return { carries: found }
}
