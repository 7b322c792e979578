import type { Interval } from '../core/index.ts'
import { DCS, FILES, RecordStream, type DrillStarted, type History } from '../history/index.ts'
import type { Evidence, RpoMeasurement, RtoMeasurement } from './finding.ts'
import type { TupleFact } from './ledger/exceptions.ts'
import type { Ledger } from './ledger/ledger.ts'
import { readLedger } from './ledger/pass.ts'
import { measureRpo } from './measure-rpo.ts'
import { measureRto } from './measure-rto.ts'
import { micro } from './text.ts'
import { timelineOf, type Timeline } from './timeline.ts'

/** All that checkers and gates judge: the events, the ledger, and what was measured from both. */
export interface Analysis {
  readonly start: DrillStarted
  readonly timeline: Timeline
  readonly ledger: Ledger
  /** The last instant of which the record tells, absolute. */
  readonly lastInstant: number
  /** One per outage, instants on the drill's clock. */
  readonly outages: readonly RtoMeasurement[]
  /** The longest of `outages`. */
  readonly rto: RtoMeasurement | null
  readonly rpo: RpoMeasurement | null
  /** Bytes of an incomplete line at the end of the events. */
  readonly tailBytes: number
}

/** Reads the tuple log once and measures. @throws CorruptHistoryError */
export async function analysisOf(history: History): Promise<Analysis> {
  const { start } = history
  const timeline = timelineOf(history.events)
  const ledger = await readLedger(history, timeline)
  const outages = measureRto(start, timeline, ledger)
  return {
    start,
    timeline,
    ledger,
    lastInstant: lastInstantOf(history, ledger),
    outages,
    rto: longest(outages),
    rpo: measureRpo(ledger),
    tailBytes: history.tailBytes,
  }
}

function lastInstantOf({ events }: History, { lastSend, taps }: Ledger): number {
  let last = Math.max(lastSend, taps[0].lastAnswered, taps[1].lastAnswered)
  for (const { at } of events) last = Math.max(last, typeof at === 'number' ? at : at.latest)
  return last
}

function longest(outages: readonly RtoMeasurement[]): RtoMeasurement | null {
  const weight = (one: RtoMeasurement): number => (one.span ? one.span.upperMs : Number.POSITIVE_INFINITY)
  return outages.reduce<RtoMeasurement | null>((a, b) => (a && weight(a) >= weight(b) ? a : b), null)
}

/** Turns what the analysis knows into what a finding shows. */
export interface CheckContext {
  /** Milliseconds on the drill's clock, to the microsecond. */
  at(instant: number): number
  interval(value: Interval): Interval
  evidence(facts: readonly TupleFact[]): readonly Evidence[]
}

/** The context of a drill's checks. */
export function contextOf({ start, ledger }: Pick<Analysis, 'start' | 'ledger'>): CheckContext {
  const at = (instant: number): number => micro(instant - start.origin)
  const interval = (value: Interval): Interval => ({ earliest: at(value.earliest), latest: at(value.latest) })
  return {
    at,
    interval,
    evidence: (facts) =>
      facts.map((fact) => {
        const key = ledger.keys[fact.key]?.key
        return {
          note: fact.note,
          ...(Number.isFinite(fact.seq) ? { seq: fact.seq } : {}),
          ...(key === undefined ? {} : { key }),
          dc: DCS[fact.dc],
          ...(fact.sentAt === undefined || !Number.isFinite(fact.sentAt) ? {} : { sentAt: at(fact.sentAt) }),
          ...(fact.seen ? { seen: interval(fact.seen) } : {}),
          ...(fact.record < 0 ? {} : { file: FILES[fact.file], offset: RecordStream.offsetOf(fact.record) }),
        }
      }),
  }
}
