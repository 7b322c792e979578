import type { Address, DcName, Route } from './protocol.ts'
import type { WrongAnswer } from './rest/wrong.ts'
import type { LinkDescription } from './types.ts'

/** Vendor facts that a site can show in another spelling, for tests of the client. */
export interface SiteDialect {
  /** A second base path beside `/streams`, such as `/streams/rest`. */
  readonly basePath?: string
  /** `upperSnake` spells every status, health and reason as `PARTIALLY_RUNNING`. */
  readonly enums?: 'lowerCamel' | 'upperSnake'
  /** `flat` answers errors as `{ id, message }` instead of `{ messages: [{ id, message }] }`. */
  readonly errors?: 'wrapped' | 'flat'
  /** Status code of a successful injection. */
  readonly injectSuccess?: number
}

/** What a site keeps from boot to boot: who it is and where its disk lies. */
export interface SiteIdentity {
  readonly dc: DcName
  readonly domain: string
  readonly instance: string
  readonly username: string
  readonly password: string
  /** The directory that outlives a power-off. */
  readonly disk: string
  /** The toolkit configuration file of the application. */
  readonly configFile: string
  /** The application that does the work, and what is submitted at first: the same, or the watcher of a passive site. */
  readonly application: JobOrder
  readonly first: JobOrder
}

/** How a job is submitted. */
export interface JobOrder {
  readonly name: string
  readonly bundle: string
  readonly parameters: Readonly<Record<string, string>>
}

/** The whole of a lab, as its runner orders it from the supervisor: `<lab>/lab.json`, readable by its owner only. */
export interface LabPlan {
  readonly directory: string
  /** The supervisor removes the directory when all has ended. */
  readonly ephemeral: boolean
  readonly timeScale: number
  readonly mode: 'active-active' | 'active-passive'
  readonly defects: readonly string[]
  readonly truthFile: string
  readonly lifeSocket: string
  readonly controlSocket: string
  readonly programs: { readonly site: string; readonly pe: string; readonly ctl: string }
  readonly sites: Readonly<Record<DcName, SiteIdentity>>
  /** The documented receiver ports of each data centre: heartbeats first, then snapshots. */
  readonly receiverPorts: Readonly<Record<DcName, readonly number[]>>
  /** The documented names of each data centre's hosts, as its peer's configuration lists them. */
  readonly hostNames: Readonly<Record<DcName, readonly string[]>>
  readonly metricsEveryMs: number
  readonly dialect: SiteDialect
}

/** A certificate with its key and the authority that signed it, all PEM. */
export interface TlsMaterial {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** What the supervisor tells a running site over IPC: what its management API answers from now on; null is the right thing. */
export interface ToSite {
  readonly type: 'answers'
  readonly wrong: WrongAnswer | null
}

/** What the supervisor tells a site over IPC when it boots. */
export interface SiteBoot {
  readonly type: 'boot'
  readonly plan: LabPlan
  readonly dc: DcName
  readonly tls: TlsMaterial
  /** Ports that the PEs of this site may listen on. */
  readonly pePorts: readonly number[]
  /** Where the site's servers listen. Default: free loopback ports, with the lab's links in front of them. */
  readonly listen?: { readonly management: Address; readonly data: Address }
  /** What the management API answers instead of the right thing, from the first request on. */
  readonly wrong?: WrongAnswer
  /** Address that the management API shows of the site's hosts. Default 127.0.0.1. */
  readonly address?: string
  /**
   * Tuples of a read count as delivered when their reader comes back for more on the same connection, or closes it. Default: when
   * they have been handed to the system, which brings them to a reader on the same machine even if the site dies at once.
   */
  readonly readsAreConfirmed?: boolean
  readonly crossDc: {
    readonly listen: readonly { readonly port: number; readonly at: Address }[]
    readonly routes: readonly Route[]
  }
}

/** Site → supervisor over IPC. A port of null is closed. */
export type FromSite =
  | { readonly type: 'ports'; readonly management?: number | null; readonly data?: number | null }
  | { readonly type: 'up' }
  /** {@link ToSite} is in force. */
  | { readonly type: 'answers' }
  | { readonly type: 'spawned'; readonly pid: number; readonly peId: string }
  | { readonly type: 'exited'; readonly pid: number }

/** What the supervisor tells when both sites answer. */
export interface SupervisorReady {
  /** PEM of the lab's authority. */
  readonly ca: string
  readonly links: readonly LinkDescription[]
}

/** What the supervisor writes to its standard output, one JSON line: the lab is up, or could not start. */
export type SupervisorSays = { readonly ready: SupervisorReady } | { readonly error: string }
