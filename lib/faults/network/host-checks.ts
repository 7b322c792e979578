import { FaultTargetError } from '../errors.ts'
import { isLoopback, isWithin, normalAddress, parseNetwork, type IpFamily } from './address.ts'
import type { HostNetwork, PeerAddress, PeerRoute } from './host-network.ts'

/** A packet filter that a host offers: its programs by absolute path. */
export type Firewall =
  | { readonly kind: 'nft'; readonly nft: string }
  | { readonly kind: 'iptables'; readonly programs: Readonly<Partial<Record<IpFamily, string>>> }

/** A peer that packets go to through an interface. */
export interface RoutedPeer extends PeerAddress {
  readonly route: PeerRoute
}

/** @throws FaultTargetError if commands on the host do not run as root */
export function requirePrivilege({ host, isRoot }: HostNetwork): void {
  if (isRoot) return
  throw new FaultTargetError(`On ${host} commands do not run as root, and faults on its network need that.`, {
    remedy: "Log in as root, or let the user use sudo and set the host's `sudo`.",
  })
}

/** @throws FaultTargetError if the host has no such interface */
export function requireInterface({ host, interfaces }: HostNetwork, wanted: string): void {
  if (interfaces.includes(wanted)) return
  throw new FaultTargetError(`${host} has no network interface ${JSON.stringify(wanted)}.`, {
    remedy: `Its interfaces: ${interfaces.join(', ') || 'none could be listed'}.`,
  })
}

/**
 * The addresses of the far side that the host has a route to, once it is sure that a fault on any of its addresses is a fault,
 * and never one on us. (One without IPv6 may well know an IPv6 address of the far side.)
 * @param options.isUs the far side is this machine: for faults that leave the port of SSH alone
 * @throws FaultTargetError naming the first that is unknown, the host's own, or on our way to the host
 */
export function requirePeers(network: HostNetwork, options: { readonly isUs?: true } = {}): readonly RoutedPeer[] {
  const { host, tools, control, managementNetworks, ownAddresses, peers, unresolved } = network
  if (!tools.ip.works) {
    throw new FaultTargetError(`ip ${tools.ip.problem} on ${host}, so its addresses and routes cannot be told.`, {
      remedy: 'Install iproute2 there.',
    })
  }
  requireNetworks(network)
  const [unknown] = unresolved
  if (unknown) {
    throw new FaultTargetError(`${host} cannot resolve ${unknown.given}: ${unknown.problem}.`, {
      remedy: 'Give the address of the far side instead of its name, or make the name known there.',
    })
  }
  if (peers.length === 0) {
    throw new FaultTargetError(`No address of the far side is known for ${host}.`, {
      remedy: "Give the other data centre's hosts their addresses, or its links their host.",
    })
  }
  const own = new Set(ownAddresses.map(({ address }) => address))
  const problems: string[] = []
  const routed = peers.flatMap((peer): RoutedPeer[] => {
    const { address, given, route } = peer
    const called = given === address ? address : `${given} (${address})`
    if (route === 'local' || isLoopback(address) || own.has(address)) {
      throw new FaultTargetError(`${called} is an address of ${host} itself, not of the far side.`, {
        remedy: 'Give the address at which this host meets the other data centre.',
      })
    }
    if (!options.isUs && control && normalAddress(control.clientAddress) === address) {
      throw new FaultTargetError(`${called} is where ${host} is controlled from over SSH, so it stays reachable.`, {
        remedy: 'Reach the host another way (not through the other data centre), or name another address of the peer.',
      })
    }
    if (isWithin(address, managementNetworks)) {
      throw new FaultTargetError(
        `${called} lies in a management network of ${host} (${managementNetworks.join(', ')}), which no fault touches.`,
        { remedy: 'Make the management networks narrower, or name another address of the peer.' },
      )
    }
    if (!('problem' in route)) return [{ ...peer, route }]
    problems.push(`${called}: ${route.problem}`)
    return []
  })
  if (routed.length > 0) return routed
  throw new FaultTargetError(`${host} has no way to ${problems.join(', nor to ')}.`, {
    remedy: 'Correct the address, or its routes.',
  })
}

/** @throws FaultTargetError if a management network of the host is none */
export function requireNetworks({ host, managementNetworks }: HostNetwork): void {
  const wrong = managementNetworks.find((text) => parseNetwork(text) === undefined)
  if (wrong === undefined) return
  throw new FaultTargetError(
    `${JSON.stringify(wrong)} is not a network, so ${host} could not be kept reachable by it.`,
    {
      remedy: "Write the host's managementNetworks as in 10.1.0.0/16 or fd00:1::/64.",
    },
  )
}

/** The interface to a peer: the one that was asked for, else the one of the route. */
export function interfaceOf(network: HostNetwork, peer: RoutedPeer, preferred?: string): string {
  const name = preferred ?? peer.route.interface
  requireInterface(network, name)
  return name
}

/**
 * The packet filter to use: nft where it works, else iptables for the families that are needed.
 * @throws FaultTargetError if there is neither
 */
export function firewallOf(network: HostNetwork, families: readonly IpFamily[], by?: Firewall['kind']): Firewall {
  const { host, tools } = network
  const { nft, iptables, ip6tables } = tools
  if (by !== 'iptables' && nft.works) return { kind: 'nft', nft: nft.path }
  const programs = {
    ...(iptables.works ? { 4: iptables.path } : {}),
    ...(ip6tables.works ? { 6: ip6tables.path } : {}),
  }
  const missing = families.filter((family) => !(family in programs))
  if (by !== 'nft' && missing.length === 0) return { kind: 'iptables', programs }
  const said = (['nft', 'iptables', 'ip6tables'] as const).flatMap((name) => {
    const tool = tools[name]
    return tool.works ? [] : [`${name} ${tool.path === undefined ? tool.problem : `fails (${tool.problem})`}`]
  })
  throw new FaultTargetError(`${host} has no packet filter that works: ${said.join('; ')}.`, {
    remedy:
      by === undefined ? 'Install nftables or iptables there.' : `Install ${by}, or leave the choice to the host.`,
  })
}
