import { formatMs } from '../../core/index.ts'
import type { EventOf } from '../../history/index.ts'
import { micro, plural } from '../text.ts'
import { defineGate } from './define-gate.ts'

/**
 * How late the generator may send against its schedule, in milliseconds (99th percentile; the longest where that is not known).
 * Verdicts rest on when tuples really were sent; beyond this, what was sent is not the load that was asked for.
 */
const LATENESS_MS = 2000

/** How long an event loop that takes time stamps may have stood still, in milliseconds. */
const STANDSTILL_MS = 2000

/** The generator kept its schedule: it did not have to give tuples up. */
export const saturation = defineGate('saturation', ({ timeline }) => {
  const traffic = timeline.of('traffic')
  if (traffic.length === 0) return undefined
  const events = traffic.filter(({ event }) => event === 'saturated')
  const shed = events.reduce((sum, { count }) => sum + (count ?? 0), 0)
  if (events.length === 0) return { verdict: 'pass', summary: 'The generator kept its schedule.' }
  return {
    verdict: 'inconclusive',
    summary: `The generator was saturated and left ${plural(shed, 'tuple')} unsent: offer less, or on more lanes.`,
    detail: { shed, times: events.length },
  }
})

/** Tuples were sent when they were due. */
export const lateness = defineGate('lateness', ({ timeline }) => {
  const lags = timeline.of('lag').filter(({ kind }) => kind === 'lateness')
  if (lags.length === 0) return undefined
  const p99 = Math.max(...lags.map(({ p99Ms, maxMs }) => p99Ms ?? maxMs))
  const detail = { p99Ms: micro(p99), maxMs: micro(longest(lags)), allowedMs: LATENESS_MS }
  if (p99 <= LATENESS_MS) return { verdict: 'pass', summary: 'Tuples were sent when they were due.', detail }
  return {
    verdict: 'inconclusive',
    summary: `Tuples were sent up to ${formatMs(p99)} late: this machine is overloaded.`,
    detail,
  }
})

/** The processes that take time stamps were never held up for long. */
export const eventLoop = defineGate('event-loop', ({ timeline }) => {
  const lags = timeline.of('lag').filter(({ kind }) => kind === 'event-loop')
  if (lags.length === 0) return undefined
  const worst = longest(lags)
  const detail = { maxMs: micro(worst), allowedMs: STANDSTILL_MS }
  if (worst <= STANDSTILL_MS) return { verdict: 'pass', summary: 'The observer was never held up for long.', detail }
  return {
    verdict: 'inconclusive',
    summary: `The observer stood still for ${formatMs(worst)}: this machine is overloaded.`,
    detail,
  }
})

/** No worker died. */
export const workers = defineGate('workers', ({ timeline }) => {
  const traffic = timeline.of('traffic')
  if (traffic.length === 0) return undefined
  const dead = traffic.filter(({ event }) => event === 'worker-died')
  if (dead.length === 0) return { verdict: 'pass', summary: 'All workers lived to the end.' }
  const why = dead[0]?.detail ?? 'reason unknown'
  return {
    verdict: 'inconclusive',
    summary: `A traffic worker died (${why}): what it had not written is missing.`,
    detail: { died: dead.length },
  }
})

const longest = (lags: readonly EventOf<'lag'>[]): number => Math.max(...lags.map(({ maxMs }) => maxMs))
