/**
 * What a site and its processing elements (PEs) say to each other. A PE is launched with one JSON document in the environment
 * variable `FAILOVER_PE`, talks to its site over Node's IPC channel (control and metrics), and to the other PEs and the data
 * service over loopback TCP (tuples). Internal to the embedded lab.
 */

/** The two data centres of every lab. */
export type DcName = 'east' | 'west'

/** What a PE runs. `passive` is the stand-alone watcher of an active/passive pair. */
export type PeKind = 'ingest' | 'logic' | 'sink' | 'cross-dc' | 'passive'

/** An address that a process listens on or connects to. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** How the documented `host:port` of a toolkit configuration is reached on this machine (what NAT does elsewhere). */
export interface Route {
  readonly host: string
  readonly port: number
  readonly via: Address
}

/** Everything a PE is told at launch. */
export interface PeLaunch {
  readonly dc: DcName
  readonly instance: string
  readonly jobId: string
  readonly peId: string
  readonly kind: PeKind
  readonly launchCount: number
  /** Unix socket or named pipe of the supervisor: say hello there, exit when it closes. */
  readonly lifeSocket: string
  readonly truthFile: string
  /** Real seconds per configured second. */
  readonly timeScale: number
  /** Names of planted defects (lib/lab/defects.ts). */
  readonly defects: readonly string[]
  /** Submission parameters of the job, as strings. */
  readonly parameters: Readonly<Record<string, string>>
  /** Own directory of this DC, on its "disk": survives power-off. */
  readonly dataDirectory: string
  /** Where this PE accepts tuple connections; stable over relaunches. */
  readonly listen: Address
  /** Tuple addresses of all PEs of the job. */
  readonly peers: Readonly<Partial<Record<PeKind, Address>>>
  /** For kinds `cross-dc` and `passive`: where the documented receiver ports really listen, and how remote hosts are reached. */
  readonly crossDc: {
    /** Documented port → the loopback address to listen on. */
    readonly listen: readonly { readonly port: number; readonly at: Address }[]
    readonly routes: readonly Route[]
  }
}

/** Site → PE over IPC. */
export type ToPe =
  | { readonly type: 'collect'; readonly id: number }
  /** Orderly end (cancel, stop): the PE closes and exits 0. */
  | { readonly type: 'stop' }

/** One metric as REST shows it. */
export interface PeMetric {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'time'
  readonly type: 'system' | 'custom'
  readonly value: number
}

/** Metrics of one operator of a PE. */
export interface OperatorMetrics {
  readonly name: string
  readonly metrics: readonly PeMetric[]
  readonly inputPorts: readonly { readonly index: number; readonly metrics: readonly PeMetric[] }[]
  readonly outputPorts: readonly { readonly index: number; readonly metrics: readonly PeMetric[] }[]
}

/** A static description of an operator, as the PE's kind defines it. */
export interface OperatorDescription {
  readonly name: string
  readonly kind: string
  readonly inputPorts: readonly string[]
  readonly outputPorts: readonly string[]
}

/** PE → site over IPC. */
export type FromPe =
  /** Listening, and all required connections are up. */
  | { readonly type: 'ready' }
  /** Required connections lost (`connected: false`) or back. */
  | { readonly type: 'connections'; readonly connected: boolean }
  /** Only the operators that changed since this process last answered; all of them the first time. */
  | { readonly type: 'metrics'; readonly id: number; readonly operators: readonly OperatorMetrics[] }
  /** An application trace line for REST's `applicationTrace`. */
  | {
      readonly type: 'trace'
      readonly level: 'error' | 'warn' | 'info'
      readonly aspect: string
      readonly text: string
    }
  /** Passive mode: run the launch script (the site answers nothing). */
  | { readonly type: 'launch'; readonly script: string }

/**
 * Tuple frames on PE and data-service connections: 4-byte big-endian length, then UTF-8 JSON of one of these. A sender numbers
 * its batches per connection; the receiver answers each `batch` with one `ack` or `nack` on the same connection.
 */
export type TupleFrame =
  | {
      readonly type: 'batch'
      readonly id: number
      readonly operator: string
      readonly port: number
      readonly items: readonly unknown[]
    }
  | { readonly type: 'ack'; readonly id: number }
  | {
      readonly type: 'nack'
      readonly id: number
      readonly reason: 'not-owned' | 'in-doubt' | 'invalid' | 'full'
      readonly message: string
    }
  /** Inspect an EndpointSink: answered by `items`. `since` is a buffer position (0 = oldest kept), `max` a number of tuples. */
  | {
      readonly type: 'read'
      readonly id: number
      readonly operator: string
      readonly port: number
      readonly since: number
      readonly max: number
    }
  /**
   * `next` is the position after the last returned tuple, `dropped` how many tuples the buffer has ever dropped unread.
   */
  | {
      readonly type: 'items'
      readonly id: number
      readonly items: readonly unknown[]
      readonly next: number
      readonly dropped: number
    }
  /** The reader has these tuples in its hands (the HTTP answer was written out): consuming sinks acknowledge now. */
  | { readonly type: 'taken'; readonly id: number }
