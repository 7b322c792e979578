import { ConfigurationError, toMs, type Duration } from '../core/index.ts'
import type { ActiveFault, Fault } from '../faults/index.ts'

/**
 * Which faults are on when, as data. Put together by {@link hold}, {@link pause}, {@link sequence}, {@link parallel},
 * {@link repeat}, `ramp` and `random`; nothing happens before it is started.
 */
export type Schedule = Hold | Pause | Sequence | Parallel

/** One fault: injected and confirmed, on for a while, healed and confirmed to be. */
export interface Hold {
  readonly kind: 'hold'
  readonly fault: Fault
  readonly length: HoldLength
}

/** How long a fault stays on, from its confirmation: a time, or until something has come about. */
export type HoldLength =
  | { readonly for: Duration }
  | {
      /** Rejects where it does not come about; it must end by itself, or by the signal. */
      readonly until: (fault: ActiveFault, signal: AbortSignal) => Promise<unknown>
      /** What is awaited, for people. */
      readonly describe: string
    }

/** Nothing is done for a while; what runs beside it goes on. */
export interface Pause {
  readonly kind: 'pause'
  readonly for: Duration
}

/** One after the other: each begins once all of the one before is healed. */
export interface Sequence {
  readonly kind: 'sequence'
  readonly steps: readonly Schedule[]
}

/** Side by side. Ends with the longest of them; when one fails, the others are healed and given up. */
export interface Parallel {
  readonly kind: 'parallel'
  readonly branches: readonly Schedule[]
}

/**
 * A fault for a while, e.g. `hold(peHang(dc.victim), { for: '2s' })`.
 * @throws ConfigurationError if the length is no duration
 */
export function hold(fault: Fault, length: HoldLength): Hold {
  if ('for' in length) toMs(length.for)
  return { kind: 'hold', fault, length }
}

/**
 * A while without anything.
 * @throws ConfigurationError if the length is no duration
 */
export function pause(options: { readonly for: Duration }): Pause {
  toMs(options.for)
  return { kind: 'pause', for: options.for }
}

/**
 * One after the other.
 * @throws ConfigurationError if there is none
 */
export function sequence(...steps: readonly Schedule[]): Sequence {
  return { kind: 'sequence', steps: some('sequence', steps) }
}

/**
 * Side by side. The environment must allow as many faults at a time (`safety.maxFaults`).
 * @throws ConfigurationError if there is none
 */
export function parallel(...branches: readonly Schedule[]): Parallel {
  return { kind: 'parallel', branches: some('parallel', branches) }
}

/**
 * The same several times, e.g. `repeat(3, hold(peKill(dc.victim), { for: '1s' }), { pause: '2s' })`; by a function of the round,
 * which counts from 1, each time a little different.
 * @throws ConfigurationError if `times` is not a whole number from 1 on
 */
export function repeat(
  times: number,
  what: Schedule | ((round: number) => Schedule),
  options: { readonly pause?: Duration } = {},
): Sequence {
  whole('repeat: the number of times', times)
  const rounds = Array.from({ length: times }, (_, i) => (typeof what === 'function' ? what(i + 1) : what))
  return sequence(...rounds.flatMap((round, i) => between(i, options.pause, round)))
}

/** Options of {@link ramp}. */
export interface RampOptions {
  /** The first level, in the unit of `fault`. */
  readonly from: number
  /** The last level. */
  readonly to: number
  /** How many levels there are, evenly apart: 2 at the least, `from` and `to` among them. */
  readonly levels: number
  /** How long each is on. */
  readonly each: HoldLength
  /** The fault of a level, e.g. of a number of kbit/s. */
  readonly fault: (level: number) => Fault
}

/**
 * Gradual degradation: a fault that grows (or fades) level by level. Each level is a fault of its own, confirmed and healed as
 * any other, so that between two of them all is well for as long as that takes.
 * @throws ConfigurationError if there are fewer than two levels, or one is no number
 */
export function ramp({ from, to, levels, each, fault }: RampOptions): Sequence {
  whole('ramp: the number of levels', levels, 2)
  if (!Number.isFinite(from) || !Number.isFinite(to)) {
    throw new ConfigurationError(`ramp: from ${from} to ${to} is no range.`, { remedy: 'Give two numbers.' })
  }
  const level = (i: number): number => Number((from + ((to - from) * i) / (levels - 1)).toPrecision(9))
  return sequence(...Array.from({ length: levels }, (_, i) => hold(fault(level(i)), each)))
}

/** A fault of a schedule, where it stands in it, and how many others may be on with it. */
export interface ScheduledHold {
  /** As in `2.1`: the first part of the second. */
  readonly place: string
  readonly hold: Hold
  readonly beside: number
}

/** All faults of a schedule, in the order in which they are written. */
export function holdsOf(schedule: Schedule, place = '', beside = 0): readonly ScheduledHold[] {
  switch (schedule.kind) {
    case 'hold':
      return [{ place: place || '1', hold: schedule, beside }]
    case 'pause':
      return []
    case 'sequence':
      return schedule.steps.flatMap((step, i) => holdsOf(step, placeIn(place, i), beside))
    case 'parallel': {
      const all = beside + peakOf(schedule)
      return schedule.branches.flatMap((branch, i) => holdsOf(branch, placeIn(place, i), all - peakOf(branch)))
    }
  }
}

/** How many faults may be on at the same time. */
export function peakOf(schedule: Schedule): number {
  switch (schedule.kind) {
    case 'hold':
      return 1
    case 'pause':
      return 0
    case 'sequence':
      return Math.max(...schedule.steps.map(peakOf))
    case 'parallel':
      return schedule.branches.reduce((sum, branch) => sum + peakOf(branch), 0)
  }
}

/** A schedule for people, and for the record: a line for each part. */
export function describeSchedule(schedule: Schedule, place = ''): string {
  const at = (text: string): string => `${'  '.repeat(place.split('.').length - 1)}${place ? `${place} ` : ''}${text}`
  switch (schedule.kind) {
    case 'hold': {
      const { fault, length } = schedule
      const how = 'for' in length ? `for ${length.for}` : `until ${length.describe}`
      return at(`${titleOf(fault)} ${how}, by ${JSON.stringify(fault.params)}`)
    }
    case 'pause':
      return at(`nothing for ${schedule.for}`)
    case 'sequence':
    case 'parallel': {
      const parts = schedule.kind === 'sequence' ? schedule.steps : schedule.branches
      const title = schedule.kind === 'sequence' ? 'one after the other:' : 'side by side:'
      return [at(title), ...parts.map((part, i) => describeSchedule(part, placeIn(place, i)))].join('\n')
    }
  }
}

/** A fault with its target. */
export function titleOf({ kind, target }: Pick<Fault, 'kind' | 'target'>): string {
  return `${kind} on ${target}`
}

/** The place of the part with an index. */
export function placeIn(place: string, index: number): string {
  return place ? `${place}.${index + 1}` : String(index + 1)
}

/** A part, with a pause before it unless it is the first. */
export function between(index: number, length: Duration | undefined, part: Schedule): readonly Schedule[] {
  return index === 0 || length === undefined ? [part] : [pause({ for: length }), part]
}

/** @throws ConfigurationError unless the number is whole and at least so much */
export function whole(what: string, value: number, least = 1): void {
  if (Number.isInteger(value) && value >= least) return
  throw new ConfigurationError(`${what} is ${value}.`, { remedy: `Give a whole number from ${least} on.` })
}

function some(what: string, parts: readonly Schedule[]): readonly Schedule[] {
  if (parts.length > 0) return parts
  throw new ConfigurationError(`A ${what} of nothing is no schedule.`, { remedy: 'Give it at least one part.' })
}
