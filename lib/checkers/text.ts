import { formatMs, type Span } from '../core/index.ts'

/** Rounded to the microsecond, so that stored findings are short and stable. */
export const micro = (ms: number): number => Math.round(ms * 1000) / 1000

/** A span for a reader. */
export function spanText({ lowerMs, upperMs }: Span): string {
  const lower = formatMs(lowerMs)
  const upper = formatMs(upperMs)
  return lower === upper ? lower : `between ${lower} and ${upper}`
}

/** A number with its noun. */
export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${count === 0 ? 'no' : count.toLocaleString('en-GB')} ${count === 1 ? noun : nouns}`
