import type { Duration, Secret } from '../core/index.ts'
import type { DcName } from '../history/index.ts'
import type { SurvivorLimits } from './survivor-condition.ts'

/** What a target can have done to it. A fault says which of these it needs; a spec is skipped where one is missing. */
export type Capability =
  /** Whole data centres can be powered off and on. */
  | 'power'
  /** Processes can be signalled by pid from a shell. */
  | 'processes'
  /** Links between the parties can be cut and shaped. */
  | 'links'
  /** Single packets can be lost, corrupted, doubled and reordered: hosts with a kernel that can, and root on them. */
  | 'packets'
  /** CPU, memory, disks and file descriptors of hosts can be used up. */
  | 'resources'
  /** The management API may be used to cancel, stop and start. */
  | 'management'
  /** Tuples can be injected into the application, special messages among them. */
  | 'data'

/** How much a fault breaks, from one process to everything. */
export type BlastRadius = 'process' | 'link' | 'job' | 'host' | 'instance' | 'data-center'

/** What faults must know of a host; its shell comes from {@link FaultContext.shell}. */
export interface FaultHost {
  /** Unique in the environment; the embedded lab's are called as their data centres. */
  readonly name: string
  readonly dc: DcName
  /** Names by which the management API calls this host, beside {@link name}. */
  readonly aliases: readonly string[]
  /** IPv4 and IPv6 addresses at which the other data centre meets this host. Empty in the embedded lab. */
  readonly addresses: readonly string[]
  /** Networks (CIDR) that no fault ever touches, beside the control connection itself. */
  readonly managementNetworks: readonly string[]
  /** Interface of the traffic between the data centres. Default: the one that the host routes to its peer through. */
  readonly networkInterface?: string
  /** Directory of the leases on that host. */
  readonly leaseDirectory: string
  readonly snapshotDirectory?: string
}

/**
 * Where the client side of a path between two parties connects to. In the embedded lab that is a relay on this machine; elsewhere
 * it is the far side's own address, as seen from the hosts of `from`.
 */
export interface FaultLink {
  readonly id: string
  readonly from: 'runner' | DcName
  readonly to: DcName
  readonly port: 'management' | 'data' | 'heartbeat' | 'snapshot'
  readonly host: string
  readonly listenPort: number
}

/** The part of a data centre's connection that faults use. */
export interface FaultDc {
  readonly management: {
    readonly url: string
    readonly username: string
    readonly password: Secret
    readonly tls: {
      readonly ca?: string
      readonly rejectUnauthorized?: boolean
      readonly cert?: string
      readonly key?: Secret
      readonly servername?: string
    }
  }
  readonly instance: string
  readonly application: {
    readonly job: string
    readonly bundle: string
    readonly parameters: Readonly<Record<string, string>>
    readonly operators: { readonly ingest: string; readonly results: string; readonly special: string }
  }
  /** Commands of this machine that power the data centre off and on. */
  readonly power?: { readonly off: readonly string[]; readonly on: readonly string[] }
}

/** The part of a toolkit's configuration that faults use. */
export interface FaultToolkit {
  readonly localDataCenterName: string
  /** In configured seconds; see {@link FaultEnvironment.timeScale}. */
  readonly heartbeatExchangeInterval: number
}

/** The part of a resolved environment that faults use. */
export interface FaultEnvironment {
  readonly name: string
  readonly timeScale: number
  readonly dcs: Readonly<Record<DcName, FaultDc>>
  readonly operatorPrefix: string
  /** The toolkit's configuration in each data centre, as far as faults play its part. */
  readonly toolkit?: Readonly<Record<DcName, FaultToolkit>>
  readonly hosts: readonly FaultHost[]
  readonly links: readonly FaultLink[]
  readonly capabilities: readonly Capability[]
  readonly safety: {
    readonly maxFaults: number
    readonly allow: readonly BlastRadius[]
    readonly leaseTtl: Duration
    /** Its data centres serve real users: nothing is broken unless the environment is allowed by its name. */
    readonly production?: boolean
    /** When a drill is stopped because it hits more than it is aimed at. */
    readonly stop?: SurvivorLimits
  }
  /** Directory of the leases on this machine. */
  readonly leaseDirectory: string
  /** A lab's control program, as an argument vector to be followed by a verb. */
  readonly lab?: { readonly directory: string; readonly control: readonly string[] }
}
