import type { DcName } from '../../history/index.ts'
import type { Confirmation, FaultContext, FaultPlan, InjectedSteps, PlanContext } from '../definition.ts'
import { closeCutProbes, confirmCut, confirmWhole, openCutProbes, type CutMode, type CutProbes } from './cut.ts'
import { effectOf, planOnHosts, whereOf, type CutHost } from './kernel-cut.ts'
import { planOnPaths, usesRelays } from './links.ts'
import { portRole, probeGroups, rolesOnly, type PortPath, type ProbeGroup } from './paths.ts'
import type { Sides } from './sides.ts'

/** What the survey of a cut found and opened. */
export interface CutFacts extends CutProbes {
  /** The paths to be cut. */
  readonly paths: readonly PortPath[]
  /** What is laid on hosts; nothing where relays are cut. */
  readonly hosts: readonly CutHost[]
}

/** What a fault wants to cut. */
export interface CutOrder {
  readonly paths: readonly PortPath[]
  /** Decides what is laid on which host, where no relays are. */
  readonly onHosts: () => Promise<{ readonly sides?: Sides; readonly hosts: readonly CutHost[] }>
  /** Ways that the cut can be measured on, from what is on hosts. Default: all ways of the paths. */
  readonly groups?: (laid: { readonly sides?: Sides; readonly hosts: readonly CutHost[] }) => CutGroups
}

/** Ways to try that a fault cuts, and some that it must not. */
export interface CutGroups {
  readonly cut: readonly ProbeGroup[]
  readonly whole: readonly ProbeGroup[]
}

/** Surveys what is to be cut, and opens what it will be measured by. */
export async function surveyCut(context: FaultContext, order: CutOrder): Promise<CutFacts> {
  const { environment } = context
  const { paths } = order
  if (usesRelays(environment)) {
    const cut = paths.map(rolesOnly).flatMap((path) => probeGroups(environment, path))
    const whole = otherPaths(context, paths).flatMap((path) => probeGroups(environment, path))
    return { paths, hosts: [], ...(await openCutProbes(context, { cut, whole: without(whole, cut) })) }
  }
  const laid = await order.onHosts()
  const { cut, whole } = order.groups?.(laid) ?? {
    cut: paths.flatMap((path) => probeGroups(environment, path, laid.sides)),
    whole: otherPaths(context, paths).flatMap((path) => probeGroups(environment, path, laid.sides)),
  }
  return { paths, hosts: laid.hosts, ...(await openCutProbes(context, { cut, whole: without(whole, cut) })) }
}

/** The plan of a cut: on relays, or on hosts. */
export function planCut(context: PlanContext, { hosts, paths }: CutFacts, mode: CutMode, effect: string): FaultPlan {
  if (!usesRelays(context.environment)) return planOnHosts(context, hosts, mode, effect)
  return planOnPaths(context, paths.map(rolesOnly), ['cut', '--mode', mode], effect)
}

/**
 * Confirms a cut by what it was surveyed with, and that the hosts are still ours to command.
 * @throws FaultTargetError, and what a shell throws that has been cut off
 */
export async function confirmPaths(
  context: FaultContext,
  facts: CutFacts,
  injected: InjectedSteps,
  { mode, dcs }: { readonly mode: CutMode; readonly dcs: readonly DcName[] },
): Promise<Confirmation> {
  const { hosts } = facts
  const [confirmation] = await Promise.all([
    confirmCut(context, facts, injected, {
      mode,
      ...(hosts.length > 0 ? { effect: (steps: InjectedSteps) => effectOf(hosts, steps) } : {}),
      evidence: hosts.length > 0 ? whereOf(context, hosts, dcs) : {},
    }),
    ...hosts.map(({ network }) => context.shell(network.host).run(['true'], { within: '10s', signal: context.signal })),
  ])
  return confirmation
}

/** Waits until all that was cut answers again. */
export function confirmPathsWhole(context: FaultContext, facts: CutFacts): Promise<Confirmation> {
  return confirmWhole(context, facts)
}

/** Lets go of what the survey opened. */
export function disposeCut(facts: CutFacts): void {
  closeCutProbes(facts)
}

/** The paths of the environment, port by port, that a fault does not cut. */
function otherPaths({ environment }: FaultContext, cut: readonly PortPath[]): readonly PortPath[] {
  const known = new Map<string, PortPath>(
    environment.links.map(({ from, to, port }) => [`${from} ${to} ${port}`, { from, to, ports: [port] }] as const),
  )
  for (const { from, to, ports } of cut) {
    for (const port of ports ?? portRole.options) known.delete(`${from} ${to} ${port}`)
  }
  return [...known.values()]
}

/** Groups without the ways that lead to what others lead to: two links may share a port. */
function without(groups: readonly ProbeGroup[], others: readonly ProbeGroup[]): readonly ProbeGroup[] {
  const key = ({ vantage, host, port }: ProbeGroup['candidates'][number]): string => `${vantage} ${host} ${port}`
  const taken = new Set(others.flatMap(({ candidates }) => candidates.map(key)))
  return groups.map(({ what, candidates }) => ({ what, candidates: candidates.filter((one) => !taken.has(key(one))) }))
}
