/**
 * When something happened, as far as an observer can know: not before `earliest`, not after `latest`. Milliseconds on one
 * monotonic clock.
 */
export interface Interval {
  readonly earliest: number
  readonly latest: number
}

/** A length of time with its bounds, in milliseconds. This is the shape that reports carry. */
export interface Span {
  readonly lowerMs: number
  readonly upperMs: number
}

/** The interval between two instants. */
export function interval(earliest: number, latest: number): Interval {
  if (!(latest >= earliest)) throw new RangeError(`an interval cannot end (${latest}) before it begins (${earliest})`)
  return { earliest, latest }
}

/** The time from `from` to `to`, with the bounds that both intervals leave. */
export function elapsed(from: Interval, to: Interval): Span {
  return { lowerMs: to.earliest - from.latest, upperMs: to.latest - from.earliest }
}

/** An interval on another clock whose zero is `origin` on this one. */
export function relativeTo(origin: number, value: Interval): Interval {
  return { earliest: value.earliest - origin, latest: value.latest - origin }
}

/** The later bounds of several events that must all have happened. */
export function latestOf(first: Interval, ...more: readonly Interval[]): Interval {
  return more.reduce<Interval>(
    (a, b) => ({ earliest: Math.max(a.earliest, b.earliest), latest: Math.max(a.latest, b.latest) }),
    first,
  )
}

/** The earlier bounds of several events of which one is enough. */
export function earliestOf(first: Interval, ...more: readonly Interval[]): Interval {
  return more.reduce<Interval>(
    (a, b) => ({ earliest: Math.min(a.earliest, b.earliest), latest: Math.min(a.latest, b.latest) }),
    first,
  )
}

/** How uncertain an interval is, in milliseconds. */
export function width(value: Interval): number {
  return value.latest - value.earliest
}
