import { ConfigurationError, toMs, type Duration } from '../core/index.ts'

/**
 * How the load changes over time, as a factor on the rate. Plain data, so that it can be posted to a thread and stored.
 * - `constant`: always 1
 * - `ramp`: from one factor to another, then staying there
 * - `burst`: `peak` for `length` at the end of each `every`, 1 otherwise
 * - `step`: each factor from its time on; 1 before the first
 */
export type LoadProfile =
  | { readonly kind: 'constant' }
  | { readonly kind: 'ramp'; readonly from: number; readonly to: number; readonly over: Duration }
  | { readonly kind: 'burst'; readonly peak: number; readonly every: Duration; readonly length: Duration }
  | { readonly kind: 'step'; readonly steps: readonly { readonly at: Duration; readonly factor: number }[] }

/** The same rate all the time. */
export const constant: LoadProfile = { kind: 'constant' }

/** A rate that changes evenly from `from` to `to` (factors) and then stays. */
export function ramp(from: number, to: number, over: Duration): LoadProfile {
  return { kind: 'ramp', from, to, over }
}

/** Regular peaks. */
export function burst(options: {
  readonly peak: number
  readonly every: Duration
  readonly length: Duration
}): LoadProfile {
  return { kind: 'burst', ...options }
}

/** Changes at given times. */
export function step(...steps: readonly { readonly at: Duration; readonly factor: number }[]): LoadProfile {
  return { kind: 'step', steps }
}

/**
 * How many seconds at factor 1 the profile amounts to, from its start until `elapsedMs`: times the rate, this is the number of
 * tuples due by then.
 */
export function planned(profile: LoadProfile, elapsedMs: number): number {
  const t = Math.max(0, elapsedMs) / 1000
  switch (profile.kind) {
    case 'constant':
      return t
    case 'ramp': {
      const over = toMs(profile.over) / 1000
      const inside = Math.min(t, over)
      const risen = over === 0 ? 0 : (profile.from + ((profile.to - profile.from) * inside) / over / 2) * inside
      return risen + (t - inside) * profile.to
    }
    case 'burst': {
      const every = toMs(profile.every) / 1000
      const length = Math.min(every, toMs(profile.length) / 1000)
      const whole = Math.floor(t / every)
      const peaked = whole * length + Math.max(0, t - whole * every - (every - length))
      return t + (profile.peak - 1) * peaked
    }
    case 'step': {
      let sum = 0
      let from = 0
      let factor = 1
      for (const { at, factor: next } of profile.steps) {
        const until = Math.min(t, toMs(at) / 1000)
        sum += Math.max(0, until - from) * factor
        from = Math.max(from, until)
        factor = next
        if (toMs(at) / 1000 > t) return sum
      }
      return sum + (t - from) * factor
    }
  }
}

/**
 * The profile, if it makes sense.
 * @throws ConfigurationError for negative factors, steps out of order, or bursts longer than their period
 */
export function checkedProfile(profile: LoadProfile): LoadProfile {
  const problem = problemOf(profile)
  if (problem === undefined) return profile
  throw new ConfigurationError(`The load profile ${profile.kind} is not possible: ${problem}.`, {
    remedy: 'Factors are 0 or more, steps are in order of time, and a burst fits into its period.',
  })
}

function problemOf(profile: LoadProfile): string | undefined {
  switch (profile.kind) {
    case 'constant':
      return undefined
    case 'ramp':
      return profile.from >= 0 && profile.to >= 0 ? undefined : 'it has a factor below 0'
    case 'burst':
      if (!(profile.peak >= 0)) return 'it has a factor below 0'
      return toMs(profile.length) <= toMs(profile.every) && toMs(profile.every) > 0
        ? undefined
        : 'its burst does not fit'
    case 'step': {
      if (profile.steps.some((one) => !(one.factor >= 0))) return 'it has a factor below 0'
      const times = profile.steps.map((one) => toMs(one.at))
      return times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0))
        ? undefined
        : 'steps are out of order'
    }
  }
}
