import { ConfigurationError } from './errors.ts'

/** A length of time with its unit, as in `'250ms'`, `'30s'`, `'1.5m'`, `'2h'`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h'}`

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/

/** True for a string that {@link toMs} accepts. */
export function isDuration(value: unknown): value is Duration {
  return typeof value === 'string' && PATTERN.test(value)
}

/**
 * Milliseconds of a duration.
 * @throws ConfigurationError if the text is not a number with one of the units ms, s, m, h
 */
export function toMs(duration: Duration): number {
  const match = PATTERN.exec(duration)
  if (!match) {
    throw new ConfigurationError(`${JSON.stringify(duration)} is not a duration.`, {
      remedy: "Write a number with a unit: '250ms', '30s', '5m' or '1h'.",
    })
  }
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]
}

/** Milliseconds for a reader: `12ms`, `1.25s`, `2m 05s`. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return ms > 0 ? '∞' : ms < 0 ? '-∞' : '?'
  const sign = ms < 0 ? '-' : ''
  const size = Math.abs(ms)
  if (size < 1000) return `${sign}${Math.round(size)}ms`
  if (size < 60_000) return `${sign}${(size / 1000).toFixed(2)}s`
  const minutes = Math.floor(size / 60_000)
  return `${sign}${minutes}m ${String(Math.round((size % 60_000) / 1000)).padStart(2, '0')}s`
}
