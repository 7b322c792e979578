import type { Secret } from '../../core/index.ts'
import type { SiteDialect } from './plan.ts'
import type { DcName } from './protocol.ts'

/** The parties between which links run. */
export type Party = 'runner' | DcName

/** What a link's port is for. */
export type PortRole = 'management' | 'data' | 'heartbeat' | 'snapshot'

/** One relayed path from a party to a port of a data centre. */
export interface LinkDescription {
  readonly id: string
  readonly from: Party
  readonly to: DcName
  readonly port: PortRole
  /** Where the client side connects to. */
  readonly host: string
  readonly listenPort: number
}

/** Keys of a toolkit configuration file with their text, e.g. `{ heartbeatExchangeInterval: '1' }`. */
export type ToolkitFile = Readonly<Record<string, string>>

/** How to start an embedded lab. */
export interface EmbeddedLabOptions {
  /** A directory for this lab alone; it is created with mode 0700. */
  readonly directory: string
  /** Remove the directory when the lab ends, however it ends. Default false. */
  readonly ephemeral?: boolean
  /** Real seconds per configured second. Default 0.2. */
  readonly timeScale?: number
  readonly mode?: 'active-active' | 'active-passive'
  /** Planted defects by name (lib/lab/defects.ts). Default: none. */
  readonly defects?: readonly string[]
  /** Keys laid over the lab's toolkit configuration, for both sites or for one. */
  readonly toolkit?: ToolkitFile
  readonly toolkitOf?: Partial<Record<DcName, ToolkitFile>>
  /** Submission parameters laid over the application's defaults. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Upload and submit the application on both sites and wait until it is healthy. Default true. */
  readonly submit?: boolean
  /** How often each site collects its metrics, in real milliseconds. Default 20. */
  readonly metricsEveryMs?: number
  /** Vendor facts that both sites show in another spelling, for tests of the client. */
  readonly dialect?: SiteDialect
  readonly signal?: AbortSignal
}

/** How a runner reaches one site of the lab. */
export interface EmbeddedSite {
  readonly dc: DcName
  /** Root of the management API through the runner's link, e.g. `https://127.0.0.1:40001/streams`. */
  readonly managementUrl: string
  readonly dataUrl: string
  readonly username: string
  readonly password: Secret
  /** PEM of the lab's CA. */
  readonly ca: string
  readonly domain: string
  readonly instance: string
  /** Name of the submitted job. */
  readonly jobName: string
  /** Path of the bundle, and the submission parameters, with which a job is submitted again. */
  readonly bundle: string
  readonly parameters: Readonly<Record<string, string>>
  /** The application that does the work: what is submitted at first, except at the passive site of an active/passive pair. */
  readonly application: {
    readonly jobName: string
    readonly bundle: string
    readonly parameters: Readonly<Record<string, string>>
  }
  /** The toolkit configuration file of this site. */
  readonly configFile: string
}

/** A running lab. Disposing of it ends every process; so does the death of the process that started it. */
export interface EmbeddedLab {
  readonly directory: string
  readonly timeScale: number
  readonly mode: 'active-active' | 'active-passive'
  readonly defects: readonly string[]
  readonly truthFile: string
  readonly sites: Readonly<Record<DcName, EmbeddedSite>>
  readonly links: readonly LinkDescription[]
  /** Argument vector that runs the lab's control program, to be followed by a verb: `[node, ctl.js, '--lab', dir]`. */
  readonly control: readonly string[]
  /** How long the start took, in milliseconds. */
  readonly startMs: number
  [Symbol.asyncDispose](): Promise<void>
}
