import type { Duration, Secret } from '../core/index.ts'
import type { HostSettings } from '../hosts/index.ts'
import type { ToleranceOptions, ToolkitConfiguration } from '../toolkit/index.ts'

/** The two data centres of every environment. */
export type DcName = 'east' | 'west'

/** What kind of system an environment was resolved to. */
export type Target = 'embedded' | 'containers' | 'live'

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

/** Who opens a link. `runner` is this process. */
export type Party = 'runner' | DcName

/** What a port is for. */
export type PortRole = 'management' | 'data' | 'heartbeat' | 'snapshot'

/** Where the client side of a path between two parties connects to. */
export interface LinkAddress {
  readonly id: string
  readonly from: Party
  readonly to: DcName
  readonly port: PortRole
  readonly host: string
  readonly listenPort: number
}

/** TLS settings of a connection. Verification is on unless `rejectUnauthorized` is false. */
export interface TlsSettings {
  /** PEM of the authority to trust instead of the system's. */
  readonly ca?: string
  readonly rejectUnauthorized?: boolean
  readonly cert?: string
  readonly key?: Secret
  readonly servername?: string
}

/** A service of a data centre with all that is needed to call it. */
export interface ServiceConnection {
  /** Root URL, base path included, without a trailing slash. */
  readonly url: string
  readonly username: string
  readonly password: Secret
  readonly tls: TlsSettings
}

/** The application under test as it runs in one data centre. */
export interface ApplicationSettings {
  /** Name of the job. */
  readonly job: string
  /** Path of the bundle on this machine, with which the job is submitted again. */
  readonly bundle: string
  /** Submission parameters of the job. */
  readonly parameters: Readonly<Record<string, string>>
  /** Operator names by what they are for. */
  readonly operators: ApplicationOperators
}

/** Operators of the application that the drills talk to. */
export interface ApplicationOperators {
  /** EndpointSource that takes the numbered tuples. */
  readonly ingest: string
  /** EndpointSink that shows what was processed. */
  readonly results: string
  /** EndpointSource that takes the toolkit's special messages (`{ msg }`). */
  readonly special: string
}

/** Commands, run on this machine, that power a whole data centre off and on. */
export interface PowerCommands {
  readonly off: readonly string[]
  readonly on: readonly string[]
}

/** How one data centre is reached. */
export interface DcConnection {
  readonly dc: DcName
  /** What people call it, for reports. */
  readonly label: string
  readonly management: ServiceConnection
  readonly data: ServiceConnection
  readonly domain?: string
  readonly instance: string
  readonly application: ApplicationSettings
  readonly power?: PowerCommands
  /** Where metrics of it are to be had, beside the management API. Nothing reads them yet. */
  readonly metrics?: MetricsSources
}

/** See {@link DcConnection.metrics}. */
export interface MetricsSources {
  /** URL of a Prometheus server. */
  readonly prometheus?: string
  /** URL of a Jolokia agent. */
  readonly jolokia?: string
}

/** What an environment allows to be broken. */
export interface Safety {
  /** Faults that may be on at the same time. */
  readonly maxFaults: number
  /** What may be hit, the widest allowed included. */
  readonly allow: readonly BlastRadius[]
  /** How long a fault outlives its runner. */
  readonly leaseTtl: Duration
  /** Its data centres serve real users: nothing is broken unless the environment is allowed by its name. */
  readonly production?: boolean
  /** How long a data centre that should stand may be away before a drill is stopped. */
  readonly stop?: { readonly unreachableFor?: Duration; readonly unhealthyFor?: Duration; readonly every?: Duration }
}

/** How much a fault breaks, from one process to everything. */
export type BlastRadius = 'process' | 'job' | 'host' | 'instance' | 'link' | 'data-center'

/** Objectives that the environment's owner has agreed to. */
export interface Objectives {
  readonly rto: Duration
  readonly rpo: { readonly tuples: number; readonly stateAge?: Duration }
  /** From the beginning of a heal until both data centres see each other up again. */
  readonly rejoin?: Duration
}

/** What the application promises about delivery. */
export interface DeliveryContract {
  readonly delivery: 'at-most-once' | 'at-least-once' | 'exactly-once'
  /** Order is kept per key. */
  readonly ordered: boolean
  /** An acknowledged tuple is visible at a tap within this time. */
  readonly settle: Duration
  /** Tuples whose fate may stay unknown before the verdict is inconclusive. */
  readonly maxUnknown: number
}

/** What a lab knows of itself, for the record. */
export interface LabFacts {
  readonly directory: string
  /** What truly happened; undefined where the lab has another clock than this machine. */
  readonly truthFile?: string
  /** Names of planted defects. */
  readonly defects: readonly string[]
  readonly timeScale: number
}

/** The embedded lab behind an environment, whose links are relays that its control program cuts and shapes. */
export interface LabAccess extends LabFacts {
  readonly truthFile: string
  /** Argument vector of the lab's control program, to be followed by a verb. */
  readonly control: readonly string[]
}

/** An environment whose two data centres are there to be connected to. Disposing of it ends the lab, if it is one. */
export interface ResolvedEnvironment {
  readonly name: string
  readonly target: Target
  readonly mode: 'active-active' | 'active-passive'
  /** Real seconds per configured second of the toolkit: 1 except in labs. */
  readonly timeScale: number
  readonly dcs: Readonly<Record<DcName, DcConnection>>
  readonly objectives: Objectives
  readonly contract: DeliveryContract
  readonly toolkit: Readonly<Record<DcName, ToolkitConfiguration>>
  /** Name under which the application invokes the failover composite. */
  readonly operatorPrefix: string
  /** Machines with a shell. */
  readonly hosts: readonly HostSettings[]
  /** Paths between the parties. */
  readonly links: readonly LinkAddress[]
  readonly capabilities: readonly Capability[]
  readonly safety: Safety
  /** Directory of the leases of faults, on this machine. */
  readonly leaseDirectory: string
  /** What brings a pair that stays back to each site doing its own work after a drill: nothing, or a restart of the application. */
  readonly restore?: 'restart'
  /** How much later than predicted something may happen before it counts as a deviation (scheduling, sampling). */
  readonly predictionTolerance: ToleranceOptions
  /** Any lab behind it, embedded or of containers. */
  readonly labFacts?: LabFacts
  /** The embedded lab alone: in containers, links and processes are those of real hosts. */
  readonly lab?: LabAccess
  [Symbol.asyncDispose](): Promise<void>
}
