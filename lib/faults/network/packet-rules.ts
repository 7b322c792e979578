import { familyOf, parseNetwork, type IpFamily, type Network } from './address.ts'
import type { HostNetwork } from './host-network.ts'

/** Packets of a host, seen from that host: `own` ports are its, `far` ports the other side's. */
export interface PacketMatch {
  /** `in`: what arrives for the host itself; `out`: what its own processes send. */
  readonly hook: 'in' | 'out'
  /** Addresses of the other side. Default: everyone. */
  readonly peers?: readonly string[]
  /** TCP packets of these ports alone. Default: all packets of all protocols. */
  readonly ports?: { readonly side: 'own' | 'far'; readonly numbers: readonly number[] }
}

/**
 * What becomes of the packets: `drop` swallows them; `reset` answers TCP with a reset and all else with an ICMP error; `lose`
 * drops that many of a million at random.
 */
export type PacketAction = { readonly kind: 'drop' | 'reset' } | { readonly kind: 'lose'; readonly perMillion: number }

/** What a fault lays over the packets of one host. */
export interface PacketOrder {
  /** Id of the fault; names what is laid. */
  readonly id: string
  readonly matches: readonly PacketMatch[]
  readonly action: PacketAction
}

/** Packets that no rule touches. */
export type Exemption =
  | { readonly kind: 'control'; readonly client: string; readonly family: IpFamily; readonly serverPort: number }
  | { readonly kind: 'network'; readonly network: Network }

/**
 * What stays whole whatever a fault does: the SSH server for the address that we come from (any of its ports, so that a new
 * connection works, too), and the management networks. Both ways of writing rules begin with these, and neither can be had
 * without the host that they are of.
 */
export function exemptionsOf({ control, managementNetworks }: HostNetwork): readonly Exemption[] {
  const family = control && familyOf(control.clientAddress)
  return [
    ...(control && family
      ? [{ kind: 'control' as const, client: control.clientAddress, family, serverPort: control.serverPort }]
      : []),
    ...managementNetworks.flatMap((text) => {
      const network = parseNetwork(text)
      return network ? [{ kind: 'network' as const, network }] : []
    }),
  ]
}

/** ICMPv6 types by which hosts of one link find each other; without them nothing is silent, all is unreachable. */
export const NEIGHBOUR_DISCOVERY = [133, 134, 135, 136] as const

/** Name of the nft table of a fault: letters, digits and `_`. */
export function tableName(id: string): string {
  return `failover_${id.replaceAll(/[^A-Za-z0-9]/g, '_')}`.slice(0, 120)
}

/** Stem of the iptables chains of a fault, short enough for their limit of 28 characters: the random end of its id. */
export function chainStem(id: string): string {
  return `FAILOVER_${id.slice(-8).replaceAll(/[^A-Za-z0-9]/g, '_')}`
}

/** The families that an order concerns; everyone is both. */
export function familiesOf(matches: readonly PacketMatch[]): readonly IpFamily[] {
  const families = matches.flatMap(({ peers }) =>
    peers ? peers.map((peer) => familyOf(peer) ?? 4) : [4 as const, 6 as const],
  )
  return [...new Set(families)].sort()
}
