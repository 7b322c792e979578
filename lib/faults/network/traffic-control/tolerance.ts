/** Bounds of what chance may do, both included. */
export interface Bounds {
  readonly lower: number
  readonly upper: number
}

/** How sure a bound is: figures of a fault that works as it should lie outside once in a thousand times. */
export const CONFIDENCE = 0.999

/** Fewer hits than this are expected: then too little was sent for a verdict. */
export const LEAST_EXPECTED = 10

/**
 * Within which the count of hits lies with the given confidence when each of `n` packets is hit with a probability between two
 * bounds. Exact (binomial), by summing the distribution up from both ends.
 */
export function binomialBounds(n: number, probability: Bounds, confidence = CONFIDENCE): Bounds {
  const tail = (1 - confidence) / 2
  return {
    lower: quantile(n, probability.lower, tail),
    upper: n - quantile(n, 1 - probability.upper, tail),
  }
}

/** The smallest count whose probability, together with that of all smaller ones, is above `tail`. */
function quantile(n: number, p: number, tail: number): number {
  if (p <= 0) return 0
  if (p >= 1) return n
  let logTerm = n * Math.log1p(-p)
  let sum = 0
  for (let k = 0; k < n; k++) {
    sum += Math.exp(logTerm)
    if (sum > tail) return k
    logTerm += Math.log((n - k) / (k + 1)) + Math.log(p / (1 - p))
  }
  return n
}

/** A share that was measured, held against one that was asked for. */
export interface ShareVerdict {
  readonly plausible: boolean
  /** Too little was sent to say anything. */
  readonly tooFew: boolean
  readonly bounds: Bounds
}

/**
 * Whether `hits` of `n` packets are what a share in percent makes, by chance alone.
 * @param seen which part of the hits can be seen at all; default all of them
 */
export function judgeShare(
  { n, hits }: { readonly n: number; readonly hits: number },
  percent: number,
  seen: Bounds = { lower: 1, upper: 1 },
): ShareVerdict {
  const probability = { lower: (percent / 100) * seen.lower, upper: Math.min(1, (percent / 100) * seen.upper) }
  const bounds = binomialBounds(n, probability)
  const tooFew = n * probability.lower < LEAST_EXPECTED
  return { plausible: !tooFew && hits >= bounds.lower && hits <= bounds.upper, tooFew, bounds }
}

/** How many packets must be sent for a verdict on a share in percent. */
export function packetsFor(percent: number, seenAtLeast = 1): number {
  return Math.ceil((2 * LEAST_EXPECTED) / ((percent / 100) * seenAtLeast))
}

/** How far a measured rate may be from the one that was asked for. */
export const RATE_TOLERANCE = 0.15

/** Whether a measured rate is the one that was asked for. */
export function isRateKept(measured: number, wanted: number): boolean {
  return Math.abs(measured - wanted) <= wanted * RATE_TOLERANCE
}

/** Middle and spread of a sample. */
export interface Spread {
  readonly median: number
  readonly p10: number
  readonly p90: number
  readonly count: number
}

/** Middle and spread of a sample that is not empty. */
export function spreadOf(sample: readonly number[]): Spread {
  const sorted = sample.toSorted((a, b) => a - b)
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN
  return { median: at(0.5), p10: at(0.1), p90: at(0.9), count: sorted.length }
}

/** What a delay in some directions adds to a round trip. */
export interface ExpectedRise {
  readonly delayMs: number
  readonly jitterMs: number
  /** In one direction, or in both. */
  readonly directions: 1 | 2
  /** In percent: how alike the jitter of successive packets is. */
  readonly correlation?: number
  /** Some round trips take longer for another reason: packets are lost, or one busy machine plays all parts. */
  readonly hasOutliers?: boolean
}

/** What is wrong with how round trips grew, or nothing. A busy machine may add `slackMs`. */
export function judgeRise(
  before: Spread,
  during: Spread,
  { delayMs, jitterMs, directions, correlation = 0, hasOutliers = false }: ExpectedRise,
  slackMs: number,
): string | undefined {
  const rise = during.median - before.median
  const lower = directions * delayMs * 0.9
  const upper = directions * (delayMs + jitterMs) * 1.1 + slackMs
  const ms = (value: number): string => `${Math.round(value)}ms`
  // What was slow before the fault by chance must not hide the fault.
  const mostRise = during.median - before.p10
  if (mostRise < lower || rise > upper) return `the round trip grew by ${ms(rise)}, not by ${ms(lower)} to ${ms(upper)}`
  const spread = during.p90 - during.p10
  // Uniform in one direction, the tenth to the ninetieth percentile span 0.8 of it; a sample this small may see half of that.
  const least = jitterMs * 0.4 * (1 - correlation / 100)
  if (spread < least) return `round trips vary by ${ms(spread)}, less than the ${ms(least)} that the jitter makes`
  if (hasOutliers) return undefined
  const most = directions * jitterMs * 1.1 + (before.p90 - before.p10) + slackMs
  if (spread > most) return `round trips vary by ${ms(spread)}, more than the ${ms(most)} that the jitter explains`
  return undefined
}
