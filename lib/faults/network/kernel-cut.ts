import type { Interval } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import type { Evidence, FaultContext, FaultPlan, FaultStep, InjectedSteps, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { IpFamily } from './address.ts'
import { firewallOf, requireNetworks, requirePeers, requirePrivilege, type Firewall } from './host-checks.ts'
import type { HostNetwork } from './host-network.ts'
import { iptablesInject, iptablesUndo } from './iptables-rules.ts'
import { nftInject, nftTable, nftUndo } from './nft-rules.ts'
import { familiesOf, type PacketMatch, type PacketOrder } from './packet-rules.ts'
import { namesOf } from './paths.ts'
import { hostsOf, surveySides, type Sides } from './sides.ts'

/** The rules that a fault lays on one host. */
export interface CutHost {
  readonly dc: DcName
  readonly network: HostNetwork
  readonly firewall: Firewall
  readonly matches: readonly PacketMatch[]
}

/**
 * Decides what is laid on a host, once it is sure that the host can do it and that we stay able to reach it.
 * @throws FaultTargetError with what to do about it, before anything is armed
 */
export function cutHost(
  dc: DcName,
  network: HostNetwork,
  matches: readonly PacketMatch[],
  by: Firewall['kind'] | undefined,
  families: readonly IpFamily[] = familiesOf(matches),
): CutHost {
  requirePrivilege(network)
  requireNetworks(network)
  return { dc, network, firewall: firewallOf(network, families, by), matches }
}

/** Rules on the hosts of both data centres that have a shell. */
export interface CutSides {
  readonly sides: Sides
  readonly hosts: readonly CutHost[]
}

/**
 * Surveys the hosts of two data centres, and decides what is laid on each: on all of both sides, so that a path is cut twice.
 * @throws FaultTargetError before anything is armed, see {@link requirePeers} and {@link cutHost}
 */
export async function cutSides(
  context: FaultContext,
  [a, b]: readonly [DcName, DcName],
  matchesOf: (dc: DcName, peers: readonly string[]) => readonly PacketMatch[],
  by: Firewall['kind'] | undefined,
): Promise<CutSides> {
  const sides = await surveySides(context, [a, b])
  const hosts = [a, b].flatMap((dc) =>
    sides[dc].map((network) => {
      requirePrivilege(network)
      requirePeers(network)
      // Those without a route, too: they may get one.
      const peers = network.peers.map(({ address }) => address)
      return cutHost(dc, network, matchesOf(dc, [...new Set(peers)]), by)
    }),
  )
  return { sides, hosts }
}

/** The step that lays an order on a host, with its inverse. */
export function packetStep(
  network: HostNetwork,
  firewall: Firewall,
  order: PacketOrder,
): Pick<FaultStep, 'host' | 'undo'> & { readonly do: Extract<FaultStep['do'], { command: unknown }> } {
  const { host } = network
  if (firewall.kind === 'nft') {
    const { nft } = firewall
    return { host, do: { command: nftInject(nft, nftTable(network, order)) }, undo: nftUndo(nft, order.id) }
  }
  const { programs } = firewall
  return {
    host,
    do: { command: iptablesInject(network, order, programs) },
    undo: iptablesUndo(network, order, programs),
  }
}

/** The plan that cuts packets on hosts. */
export function planOnHosts(
  { id }: PlanContext,
  hosts: readonly CutHost[],
  mode: 'blackhole' | 'reset',
  effect: string,
): FaultPlan {
  const action = { kind: mode === 'reset' ? 'reset' : 'drop' } as const
  const steps = hosts.map(({ network, firewall, matches }) => packetStep(network, firewall, { id, matches, action }))
  return { steps, atOnce: true, effect, outage: [] }
}

/**
 * When the rules of a plan took effect on all paths: from the first that was laid until one side was complete, for the other
 * side's only cut what is cut already. Undefined if that is not what the steps were.
 */
export function effectOf(hosts: readonly CutHost[], { steps }: InjectedSteps): Interval | undefined {
  const done = hosts.map(({ dc }, i) => ({ dc, at: steps[i]?.at }))
  const times = done.flatMap(({ dc, at }) => (at ? [{ dc, at }] : []))
  if (times.length === 0 || times.length < done.length || steps.length !== done.length) return undefined
  const complete = [...new Set(times.map(({ dc }) => dc))].map((dc) =>
    Math.max(...times.filter((one) => one.dc === dc).map(({ at }) => at.latest)),
  )
  return { earliest: Math.min(...times.map(({ at }) => at.earliest)), latest: Math.min(...complete) }
}

/** What is worth knowing about where the rules are, for the record. */
export function whereOf(
  context: Pick<FaultContext, 'environment'>,
  hosts: readonly CutHost[],
  dcs: readonly DcName[],
): Evidence {
  const without = dcs.filter((dc) => hostsOf(context.environment, dc).length === 0)
  return {
    by: hosts.map(({ network, firewall }): Evidence => ({ host: network.host, firewall: firewall.kind })),
    ...(without.length > 0
      ? {
          note: `no host with a shell at ${without.join(', ')}: rules on ${namesOf(hosts.map(({ network }) => network)).join(', ')} alone, and nothing was tried from there`,
        }
      : {}),
  }
}

/** @throws FaultTargetError if a port is the one that the host is controlled through */
export function requireNotControl({ host, control }: HostNetwork, ports: readonly number[]): void {
  if (!control || !ports.includes(control.serverPort)) return
  throw new FaultTargetError(
    `Port ${control.serverPort} of ${host} is the one that it is controlled through over SSH.`,
    {
      remedy: 'Block another port, or cut the host off with hostIsolation.',
    },
  )
}
