import { z } from 'zod'
import { formatMs, isDuration, toMs, type Duration } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { nameOf, pairParam, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { FaultLink } from '../target.ts'
import { changedBetween, linksOf, planOnPaths, PROBE_MS, type Path } from './links.ts'
import { ask } from './probe.ts'

const SAMPLES = 5
/** What a busy machine may add to a round trip. */
const SLACK_MS = 100

const lengthOfTime = z.custom<Duration>(isDuration, "is a length of time with its unit, as in '100ms'")

/** Everything between the data centres takes longer. */
export const latencyKind = defineFault({
  kind: 'latency',
  summary: 'Everything between the data centres is delayed, in each direction.',
  params: z.strictObject({
    between: pairParam,
    delay: lengthOfTime.refine((delay) => toMs(delay) > 0, 'is more than 0'),
    jitter: lengthOfTime,
  }),
  capabilities: ['links'],
  blastRadius: 'link',
  target: ({ between: [a, b] }) => `${a}↔${b}`,
  affects: () => undefined,

  survey: async (context, { between }) => ({ baselineMs: await roundTrips(context, between, PROBE_MS * 5) }),

  plan: (context, { between, delay, jitter }) =>
    planOnPaths(
      context,
      bothWays(between),
      ['shape', '--delay', String(toMs(delay)), ...(toMs(jitter) > 0 ? ['--jitter', String(toMs(jitter))] : [])],
      `A round trip between the data centres takes ${formatMs(2 * toMs(delay))} longer, up to ${formatMs(2 * toMs(jitter))} more by jitter.`,
    ),

  async confirm(context, { between, delay, jitter }, { baselineMs }, injected) {
    const expectedMs = 2 * toMs(delay)
    const upperMs = expectedMs + 2 * toMs(jitter) + SLACK_MS
    const measured = await roundTrips(context, between, expectedMs * 2 + upperMs + PROBE_MS)
    const rises = Object.entries(measured).map(([id, rtt]) => ({ id, riseMs: Math.round(rtt - (baselineMs[id] ?? 0)) }))
    const wrong = rises.filter(({ riseMs }) => riseMs < expectedMs * 0.9 || riseMs > upperMs)
    if (wrong.length > 0) {
      throw new FaultTargetError(
        `The round trip should have grown by ${formatMs(expectedMs)} to ${formatMs(upperMs)}: ${wrong.map(({ id, riseMs }) => `that of ${id} grew by ${formatMs(riseMs)}`).join(', ')}.`,
      )
    }
    const changed = changedBetween(injected)
    return { ...(changed ? { injected: changed } : {}), evidence: { expectedMs, rises } }
  },

  async confirmHealed(context, { between, delay }, { baselineMs }) {
    const measured = await roundTrips(context, between, PROBE_MS * 5)
    const slow = Object.entries(measured).filter(([id, rtt]) => rtt - (baselineMs[id] ?? 0) > SLACK_MS + toMs(delay))
    if (slow.length > 0) throw new FaultTargetError(`Still delayed: ${slow.map(([id]) => id).join(', ')}.`)
    return { evidence: { roundTripsMs: measured } }
  },
})

/** Options of {@link latency}. */
export interface LatencyOptions {
  /** In each direction: a round trip takes twice as much longer. */
  readonly delay: Duration
  /** Up to this much more, anew for each piece. Default none. */
  readonly jitter?: Duration
}

/** Delays everything between the data centres, in each direction. */
export function latency(a: DcRef, b: DcRef, { delay, jitter }: LatencyOptions): Fault {
  return latencyKind.with({ between: [nameOf(a), nameOf(b)], delay, jitter: jitter ?? '0ms' })
}

function bothWays([a, b]: readonly [DcName, DcName]): readonly Path[] {
  return [
    { from: a, to: b },
    { from: b, to: a },
  ]
}

/** The median round trip of each link, in milliseconds. */
async function roundTrips(
  { environment }: FaultContext,
  between: readonly [DcName, DcName],
  withinMs: number,
): Promise<Record<string, number>> {
  const links = bothWays(between).flatMap((path) => linksOf(environment.links, path))
  return Object.fromEntries(
    await Promise.all(links.map(async (link) => [link.id, await median(link, withinMs)] as const)),
  )
}

async function median(link: FaultLink, withinMs: number): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < SAMPLES; i++) {
    const answer = await ask(link, withinMs)
    if (answer.outcome !== 'answered') throw new FaultTargetError(`The link ${link.id} is ${answer.outcome}.`)
    times.push(answer.rttMs)
  }
  return times.toSorted((x, y) => x - y)[Math.floor(SAMPLES / 2)] ?? Number.NaN
}
