import type { Interval } from '../core/index.ts'
import type { DcName } from '../history/index.ts'
import type { Evidence } from './view.ts'

/** What an observation is about. */
export type ObservationSubject =
  | 'peer-view'
  | 'takeover'
  | 'job'
  | 'toolkit'
  | 'management'
  | 'data-service'
  | 'cross-dc-ports'
  | 'data-plane'
  | 'heartbeats'
  | 'snapshots'
  | 'shutdown'
  | 'relaunch'
  | 'evidence'

/** A change that the monitor noticed at a data centre, as the history keeps it. */
export interface Observation {
  readonly dc: DcName
  readonly subject: ObservationSubject
  readonly value: string | number | boolean
  readonly at: Interval
  readonly evidence: Evidence
}
