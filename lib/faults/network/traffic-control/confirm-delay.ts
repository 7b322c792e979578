import { formatMs } from '../../../core/index.ts'
import type { Evidence, FaultContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { usesRelays } from '../links.ts'
import { measureTrips, type ProbedPath } from './probes.ts'
import { judgeRise, type ExpectedRise, type Spread } from './tolerance.ts'

/** What a busy machine may add to a round trip. */
const SLACK_MS = 50
const ATTEMPTS = 3

/**
 * Measures that round trips have grown by what is expected: over new connections (their opening, where it goes over the network
 * that is hit) and over requests on connections that are open. What one direction adds and what the other adds looks the same
 * from one end: a delay of one direction shows once in the round trip, that of both twice.
 * @throws FaultTargetError naming each way that says otherwise
 */
export async function confirmDelay(
  context: FaultContext,
  before: readonly ProbedPath[],
  expected: ExpectedRise,
): Promise<Evidence> {
  const wrong: string[] = []
  const rows: Evidence[] = []
  for (const one of before) {
    const { problems, row } = await settled(() => measureRise(context, one, expected))
    wrong.push(...problems)
    rows.push(row)
  }
  if (wrong.length > 0) throw new FaultTargetError(`Not delayed as it should be: ${wrong.join('; ')}.`)
  const { delayMs, jitterMs, directions } = expected
  return { expectedRiseMs: [directions * delayMs, directions * (delayMs + jitterMs)], directions, roundTrips: rows }
}

interface Measured {
  readonly problems: readonly string[]
  readonly row: Evidence
}

/** A machine that is busy for a moment says nothing about a fault: what is wrong must be so each time, and is told with the count. */
async function settled(measure: () => Promise<Measured>): Promise<Measured> {
  for (let attempt = 1; ; attempt++) {
    const measured = await measure()
    if (measured.problems.length > 0 && attempt < ATTEMPTS) continue
    return { ...measured, row: { ...measured.row, measured: attempt } }
  }
}

async function measureRise(
  context: FaultContext,
  { path, asking, opening }: ProbedPath,
  expected: ExpectedRise,
): Promise<Measured> {
  const oneTripMs = expected.directions * (expected.delayMs + expected.jitterMs)
  const measured = await measureTrips(context, path, {
    withinMs: Math.max(2000, oneTripMs * 4),
    connections: 10,
    asks: Math.max(1, Math.min(4, Math.floor(8000 / Math.max(1, oneTripMs)))),
    // What they cost each other is nothing beside such a trip, and where packets are lost each takes several.
    atOnce: oneTripMs > 300 ? 10 : oneTripMs > 100 ? 4 : 1,
  })
  if ('problem' in measured)
    return { problems: [`over ${path.id} too little is answered: ${measured.problem}`], row: {} }
  const { spread } = measured
  const slackMs = SLACK_MS + 2 * (asking.p90 - asking.p10)
  // A relay on this machine accepts at once, whatever becomes of the bytes behind it.
  const isWholeWay = !usesRelays(context.environment)
  const hasOutliers = expected.hasOutliers === true || !isWholeWay
  const asked = judgeRise(asking, spread.asking, { ...expected, hasOutliers }, slackMs)
  const opened = isWholeWay
    ? judgeRise(opening, spread.opening, { ...expected, jitterMs: 0 }, slackMs + oneTripMs)
    : undefined
  return {
    problems: [
      ...(asked === undefined ? [] : [`over ${path.id} ${asked}`]),
      ...(opened === undefined ? [] : [`over a new connection to ${path.id} ${opened}`]),
    ],
    row: {
      path: path.id,
      openConnection: figures(asking, spread.asking),
      ...(isWholeWay ? { newConnection: figures(opening, spread.opening) } : {}),
    },
  }
}

/** Measures that round trips are again what they were, as far as a busy machine lets that be told. */
export async function confirmNoDelay(
  context: FaultContext,
  before: readonly ProbedPath[],
  { delayMs, directions }: ExpectedRise,
): Promise<Evidence> {
  const rows: Evidence[] = []
  for (const { path, asking } of before) {
    const { problems, row } = await settled(async () => {
      const measured = await measureTrips(context, path, { withinMs: 4000 + 4 * delayMs, connections: 5, asks: 2 })
      if ('problem' in measured) return { problems: [`${path.id} does not answer: ${measured.problem}`], row: {} }
      const riseMs = measured.spread.asking.median - asking.median
      const isSlow = riseMs > Math.max(directions * delayMs * 0.5, SLACK_MS)
      return {
        problems: isSlow ? [`the round trip over ${path.id} is ${formatMs(riseMs)} longer than before`] : [],
        row: { path: path.id, openConnection: figures(asking, measured.spread.asking) },
      }
    })
    if (problems.length > 0) throw new FaultTargetError(`Still delayed: ${problems.join('; ')}.`)
    rows.push(row)
  }
  return { roundTrips: rows }
}

function figures(before: Spread, now: Spread): Evidence {
  const round = (ms: number): number => Math.round(ms * 10) / 10
  return {
    beforeMs: round(before.median),
    medianMs: round(now.median),
    p10Ms: round(now.p10),
    p90Ms: round(now.p90),
    samples: now.count,
  }
}
