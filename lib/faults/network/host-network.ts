import type { HostName } from '../definition.ts'
import type { IpFamily } from './address.ts'

/** Programs that network faults use, as far as a host has them. */
export type NetworkTool = 'nft' | 'iptables' | 'ip6tables' | 'tc' | 'ip'

/** Whether a program is there and was seen to work. */
export type ToolFinding =
  | { readonly works: true; readonly path: string; readonly version: string }
  | { readonly works: false; readonly path?: string; readonly problem: string }

/** The SSH connection that a host is controlled through, as the host itself sees it. */
export interface ControlFlow {
  readonly clientAddress: string
  readonly clientPort: number
  readonly serverAddress: string
  /** Where the SSH server listens. */
  readonly serverPort: number
}

/** One address of the host. */
export interface OwnAddress {
  readonly address: string
  readonly family: IpFamily
  readonly interface: string
}

/** One address of a far side, as the host resolved it, and how the host would reach it. */
export interface PeerAddress {
  /** The name or address that was asked for. */
  readonly given: string
  readonly address: string
  readonly family: IpFamily
  /** `local`: the address is the host's own. */
  readonly route: 'local' | PeerRoute | { readonly problem: string }
}

/** How packets to a peer leave the host. */
export interface PeerRoute {
  readonly interface: string
  readonly source?: string
  readonly gateway?: string
}

/** A queueing discipline as `tc qdisc show` tells it. */
export interface FoundQdisc {
  readonly interface: string
  readonly kind: string
  /** `0:` for those that the kernel put there by itself. */
  readonly handle: string
  /** `root`, `ingress`, `clsact` or the parent class. */
  readonly parent: string
  /** The whole line. */
  readonly text: string
}

/** The table `filter` of iptables in one family, as it was without us: an undo leaves nothing there that it found missing. */
export interface FoundFilter {
  /** `iptables-save` shows the table. */
  readonly table: boolean
  /** Which of the chains that we hook into it has; undefined where that cannot be told (it takes nft). */
  readonly chains: readonly string[] | undefined
}

/** What a host offers for faults on its network, and what must be known of it before one is planned. */
export interface HostNetwork {
  readonly host: HostName
  readonly isRoot: boolean
  readonly tools: Readonly<Record<NetworkTool, ToolFinding>>
  /** Undefined where the host is not controlled over SSH (a local or container shell). */
  readonly control: ControlFlow | undefined
  /** Networks (CIDR) that no fault on this host touches: those of its environment. */
  readonly managementNetworks: readonly string[]
  readonly interfaces: readonly string[]
  readonly ownAddresses: readonly OwnAddress[]
  readonly peers: readonly PeerAddress[]
  /** Names that the host could not resolve, with the reason. */
  readonly unresolved: readonly { readonly given: string; readonly problem: string }[]
  readonly qdiscs: readonly FoundQdisc[]
  readonly filters: Readonly<Record<IpFamily, FoundFilter>>
}
