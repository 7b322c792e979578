import type { DcName } from '../../history/index.ts'
import type { FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { FaultEnvironment, FaultHost } from '../target.ts'
import type { HostNetwork } from './host-network.ts'
import { surveyHost } from './survey-host.ts'

/** The hosts of both data centres that have a shell, each with the other side as its peers. */
export type Sides = Readonly<Record<DcName, readonly HostNetwork[]>>

/** Hosts of a data centre that have a shell. */
export function hostsOf({ hosts }: FaultEnvironment, dc: DcName): readonly FaultHost[] {
  return hosts.filter((host) => host.dc === dc)
}

/** Names and addresses at which a data centre meets the other: those of its hosts, and where its links lead. */
export function farEnds({ hosts, links }: FaultEnvironment, from: DcName, to: DcName): readonly string[] {
  const addresses = hosts.filter(({ dc }) => dc === to).flatMap((host) => host.addresses)
  const targets = links.filter((link) => link.from === from && link.to === to).map(({ host }) => host)
  return [...new Set([...addresses, ...targets])]
}

/**
 * Surveys all hosts with a shell of both data centres, all at once.
 * @throws FaultTargetError if neither has one
 */
export async function surveySides(context: FaultContext, [a, b]: readonly [DcName, DcName]): Promise<Sides> {
  const { environment } = context
  requireHosts(environment, [a, b])
  const survey = (dc: DcName, other: DcName) =>
    Promise.all(
      hostsOf(environment, dc).map(({ name }) => surveyHost(context, name, { peers: farEnds(environment, dc, other) })),
    )
  const [ofA, ofB] = await Promise.all([survey(a, b), survey(b, a)])
  const none: Sides = { east: [], west: [] }
  return { ...none, [a]: ofA, [b]: ofB }
}

/** @throws FaultTargetError if none of the data centres has a host with a shell */
export function requireHosts(environment: FaultEnvironment, dcs: readonly DcName[]): void {
  if (dcs.some((dc) => hostsOf(environment, dc).length > 0)) return
  throw new FaultTargetError(
    `The environment ${environment.name} has no host with a shell at ${dcs.join(' or ')}, so nothing there can be cut.`,
    { remedy: 'Give it a host with SSH at one side at least.' },
  )
}
