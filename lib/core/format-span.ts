import { formatMs } from './duration.ts'

/** Bounds of a length in milliseconds; null (or infinite) where there is no such bound. */
export interface OpenSpan {
  readonly lowerMs: number | null
  readonly upperMs: number | null
}

const NUMBER_AND_UNIT = /^(-?[\d.]+)([a-z]+)$/

/** A length with its bounds for a reader: `412–447ms`, `980ms–1.02s`, `≥ 4.20s` where there is no upper bound. */
export function formatSpan(span: OpenSpan | null): string {
  if (span === null) return '–'
  const lower = bound(span.lowerMs)
  const upper = bound(span.upperMs)
  if (upper === undefined) return lower === undefined ? 'unknown' : `≥ ${lower}`
  if (lower === undefined) return `≤ ${upper}`
  if (lower === upper) return upper
  const [, number, unit] = NUMBER_AND_UNIT.exec(lower) ?? []
  return unit !== undefined && unit === NUMBER_AND_UNIT.exec(upper)?.[2] ? `${number}–${upper}` : `${lower}–${upper}`
}

function bound(ms: number | null): string | undefined {
  return ms === null || !Number.isFinite(ms) ? undefined : formatMs(ms)
}
