import type { HistoryEventInput } from '../history/index.ts'
import type { Observation } from './observation.ts'
import type { Evidence, PairView } from './view.ts'

/** An observation as the history keeps it. */
export function observationEvent({ dc, subject, value, at, evidence }: Observation): HistoryEventInput {
  return {
    type: 'observation',
    at,
    dc,
    subject,
    value,
    evidence: evidence.kind,
    detail: textOf(evidence),
  }
}

/** A state of the pair as the history keeps it. */
export function pairEvent({ state, at, detail, evidence }: PairView): HistoryEventInput {
  return { type: 'pair', at, state, evidence: `${evidence.kind}: ${detail}` }
}

function textOf({ detail, degraded }: Evidence): string {
  return degraded === undefined ? detail : `${detail} (${degraded})`
}
