import type { KeyEntry } from '../history/index.ts'
import type { EndpointFinder } from './endpoint-finder.ts'
import type { TapsSetup } from './messages.ts'
import type { RunSettings } from './settings.ts'
import type { DcName, TrafficOptions, TrafficStart } from './types.ts'

/** What a run is given by the traffic it belongs to. */
export interface RunContext {
  readonly options: TrafficOptions
  readonly start: TrafficStart
  readonly settings: RunSettings
  readonly finders: Readonly<Record<DcName, EndpointFinder>>
  readonly keys: readonly KeyEntry[]
  /** Keys of earlier runs of the drill. */
  readonly earlierKeys: TapsSetup['keys']
  readonly firstSeq: number
  readonly firstBatch: number
  /** Told the numbers to go on with, and where the run's keys are in the table. */
  readonly onKeys: (firstKey: number) => void
  readonly onDrained: (end: { readonly nextSeq: number; readonly nextBatch: number }) => void
}
