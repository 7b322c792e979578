import { setMaxListeners } from 'node:events'
import { messageOf } from '../../../core/index.ts'
import { CommandTimeoutError, ConnectRefusedError } from '../../../hosts/index.ts'
import type { FaultContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { linksOf, usesRelays } from '../links.ts'
import { probeGroups } from '../paths.ts'
import type { ProbePath } from '../probe-paths.ts'
import { hostsOf, type Sides } from '../sides.ts'
import { linksOnPorts, type Direction, type Way } from './direction.ts'
import { roundTripsOver } from './probe-connection.ts'
import { spreadOf, type Spread } from './tolerance.ts'

/** How long a service may take to answer a probe where nothing is wrong. */
const ANSWER_MS = 4000

/** Ways between the data centres that answered before the fault, and how fast. */
export interface ProbedPath {
  readonly path: ProbePath
  readonly opening: Spread
  readonly asking: Spread
}

/**
 * Finds the ways that probes can go, in both directions: for each machine that probes can start from and each address of the far
 * side, the first port that answers.
 * @throws FaultTargetError if from one of the machines nothing answers: a fault could not be measured
 */
export async function probeBefore(
  context: FaultContext,
  direction: Direction,
  sides: Sides | undefined,
): Promise<readonly ProbedPath[]> {
  const [a, b] = direction.between
  const ways: readonly Way[] = [
    { from: a, to: b },
    { from: b, to: a },
  ]
  const candidates = ways.flatMap((way) => candidatesOf(context, way, direction, sides))
  const places = new Map<string, ProbePath[]>()
  for (const path of candidates) {
    const place = usesRelays(context.environment) ? path.id : `${path.vantage} ${path.host}`
    places.set(place, [...(places.get(place) ?? []), path])
  }
  // One after the other: what waits for the others is slower than it is.
  const tried: Awaited<ReturnType<typeof firstThatAnswers>>[] = []
  for (const paths of places.values()) tried.push(await firstThatAnswers(context, paths))
  const found = tried.flatMap(({ probed }) => probed ?? [])
  for (const vantage of new Set(candidates.map((path) => path.vantage))) {
    if (found.some(({ path }) => path.vantage === vantage)) continue
    const said = tried.flatMap(({ reasons }) => reasons).join('; ')
    throw new FaultTargetError(
      `Before the fault nothing answers from ${vantage}: ${said || 'there is no port to ask'}.`,
      {
        remedy: 'Heal what is on the way, wait until the far side is up, or name ports that answer.',
      },
    )
  }
  return found
}

function candidatesOf(
  context: FaultContext,
  way: Way,
  { ports, between }: Direction,
  sides: Sides | undefined,
): ProbePath[] {
  const { environment } = context
  const isForward = way.from === between[0]
  const isKnown =
    ports?.some((port) => typeof port === 'number') === true || linksOnPorts(environment, way, ports).length > 0
  if (!isKnown) {
    // Says what is missing; the way back may be unknown.
    if (isForward) linksOf(environment.links, way)
    return []
  }
  if (!usesRelays(environment) && hostsOf(environment, way.from).length === 0) return []
  const groups = probeGroups(environment, { ...way, ...(ports ? { ports } : {}) }, sides)
  return groups
    .flatMap((group) => group.candidates)
    .toSorted((one, other) => Number(one.request === 'tls') - Number(other.request === 'tls'))
}

async function firstThatAnswers(
  context: FaultContext,
  paths: readonly ProbePath[],
): Promise<{ readonly probed?: ProbedPath; readonly reasons: readonly string[] }> {
  const reasons: string[] = []
  for (const path of paths) {
    // The first ones find a service that is not warm.
    const first = await measureTrips(context, path, { withinMs: ANSWER_MS, connections: 2, asks: 2, atOnce: 2 })
    const measured =
      'problem' in first ? first : await measureTrips(context, path, { withinMs: ANSWER_MS, connections: 6, asks: 2 })
    if ('spread' in measured) return { probed: { path, ...measured.spread }, reasons }
    reasons.push(`${path.id} (${measured.problem})`)
  }
  return { reasons }
}

/** How round trips are measured. */
export interface TripOptions {
  /** Deadline of each opening and of each answer. */
  readonly withinMs: number
  readonly connections: number
  /** So many of them side by side, for ways that are slow. Default one after the other: they do not wait for each other. */
  readonly atOnce?: number
  /** Requests over each of them, one after the other. */
  readonly asks: number
}

/** Round trips over a way: of openings and of requests over open connections; or why there are too few for a figure. */
export async function measureTrips(
  context: FaultContext,
  path: ProbePath,
  { withinMs, connections, asks, atOnce = 1 }: TripOptions,
): Promise<{ readonly spread: { readonly opening: Spread; readonly asking: Spread } } | { readonly problem: string }> {
  // Every connection listens to it.
  setMaxListeners(0, context.signal)
  const one = async () => {
    try {
      return await roundTripsOver(context, path, { asks, withinMs })
    } catch (error) {
      if (!(error instanceof ConnectRefusedError || error instanceof CommandTimeoutError)) throw error
      return { problem: messageOf(error) }
    }
  }
  const all: Awaited<ReturnType<typeof one>>[] = []
  let begun = 0
  const next = async (): Promise<void> => {
    while (begun++ < connections) all.push(await one())
  }
  await Promise.all(Array.from({ length: atOnce }, next))
  const opened = all.flatMap((trips) => ('problem' in trips ? [] : [trips]))
  const answers = opened.flatMap(({ answerMs }) => answerMs)
  if (answers.length * 2 < connections) {
    const [reason] = all.flatMap((trips) => ('problem' in trips ? [trips.problem] : []))
    return { problem: reason ?? `${answers.length} of ${connections} connections were answered` }
  }
  return { spread: { opening: spreadOf(opened.map(({ connectMs }) => connectMs)), asking: spreadOf(answers) } }
}
