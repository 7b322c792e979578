import type { Span } from '../core/index.ts'
import type { RpoMeasurement } from './finding.ts'
import type { Adoption } from './ledger/keys.ts'
import type { Ledger } from './ledger/ledger.ts'
import { micro } from './text.ts'

/** Lost tuples that were sent within this time of each other belong to one stretch. */
const STRETCH_MS = 1000

/** What was lost, as {@link RpoMeasurement} defines it; null if nothing was sent. */
export function measureRpo(ledger: Ledger): RpoMeasurement | null {
  if (ledger.sent === 0) return null
  const stateAge = oldest(ledger.work.adoptions)
  return {
    lostTuples: ledger.lost.count,
    unknownTuples: ledger.unknown.count,
    indeterminateTuples: ledger.indeterminate,
    refusedTuples: ledger.refused,
    lostSeconds: micro(lostSeconds(ledger)),
    stateAge,
    stateAgeSeconds: stateAge ? micro(stateAge.upperMs / 1000) : null,
    lostStateUpdates: ledger.work.adopted === 0 ? null : ledger.work.missingUpdates,
  }
}

function lostSeconds({ lostAt, sent, firstSend, lastSend }: Ledger): number {
  if (lostAt.length === 0) return 0
  const gap = sent > 1 ? (lastSend - firstSend) / (sent - 1) : 0
  let total = 0
  let start = lostAt[0] ?? 0
  let previous = start
  for (const instant of lostAt) {
    if (instant - previous > STRETCH_MS) {
      total += previous - start + gap
      start = instant
    }
    previous = instant
  }
  return (total + previous - start + gap) / 1000
}

function oldest(adoptions: readonly Adoption[]): Span | null {
  let lowerMs = 0
  let upperMs = 0
  for (const { age } of adoptions) {
    if (!age || !Number.isFinite(age.upperMs)) return null
    lowerMs = Math.max(lowerMs, age.lowerMs)
    upperMs = Math.max(upperMs, age.upperMs)
  }
  return adoptions.length === 0 ? null : { lowerMs: micro(lowerMs), upperMs: micro(upperMs) }
}
