import type { HistoryEventInput, PairState as RecordedPairState } from '../history/index.ts'
import type { Observation } from './observation.ts'
import type { Evidence, PairState, PairView } from './view.ts'

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

/** The history has fewer words than the monitor: what a first contact and a planned end look like to a checker. */
const RECORDED: Readonly<Record<PairState, RecordedPairState>> = {
  'never-seen': 'restarting',
  normal: 'normal',
  'peer-crashed': 'peer-crashed',
  'one-way-loss': 'one-way-loss',
  'split-brain': 'split-brain',
  'stuck-split-brain': 'stuck-split-brain',
  restarting: 'restarting',
  'orderly-shutdown': 'peer-crashed',
  unknown: 'unknown',
}

/** A state of the pair as the history keeps it. */
export function pairEvent({ state, at, detail, evidence }: PairView): HistoryEventInput {
  return { type: 'pair', at, state: RECORDED[state], evidence: `${evidence.kind}: ${state}: ${detail}` }
}

function textOf({ detail, degraded }: Evidence): string {
  return degraded === undefined ? detail : `${detail} (${degraded})`
}
