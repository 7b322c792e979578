import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { messageOf, type Interval } from '../core/index.ts'
import { CorruptHistoryError } from './errors.ts'
import { dcName, type DcName, type GroundTruth } from './events.ts'
import { completeLines } from './lines.ts'

/** A line of a lab's truth log; members that are not needed here are ignored. */
const truthLine = z.object({
  at: z.number(),
  event: z.string(),
  dc: dcName.optional(),
  between: z.tuple([z.number(), z.number()]).optional(),
  view: z.string().optional(),
  home: z.union([dcName, z.array(dcName)]).optional(),
  sentAt: z.number().optional(),
})
type TruthLine = z.infer<typeof truthLine>

/** Events with which the service of a data centre ends. */
const ENDS = new Set(['power-off', 'pe-exit', 'quiesced'])

/** How far the lab's note of an outage may lie outside of the observed bounds: its own processes take a moment to notice. */
const SLACK_MS = 250

/** The outage as the drill observed it, and the drill's zero. All absolute. */
export interface ObservedOutage {
  readonly dc: DcName
  readonly at: Interval
  readonly origin: number
  /** Truth after this is of a later outage. Default: no end. */
  readonly until?: number
}

/**
 * What really happened, from a lab's `truth.jsonl`: instants in milliseconds on the drill's clock. `rtoMs` is defined as the
 * measured RTO is: from the outage to the processing of the first tuple that was sent after it, of the work that was the data
 * centre's own. Null where the lab has no note of it (a stopped process leaves none).
 * @throws CorruptHistoryError
 */
export function groundTruth(truthFile: string, outage: ObservedOutage): GroundTruth {
  return groundTruthOf(readTruth(truthFile), outage)
}

/** {@link groundTruth} on lines that were read already. */
export function groundTruthOf(lines: readonly TruthLine[], outage: ObservedOutage): GroundTruth {
  const until = outage.until ?? Number.POSITIVE_INFINITY
  const end = endOf(lines, outage)
  const began = end ? instantOf(end) : undefined
  const after = (wanted: (line: TruthLine) => boolean): number | undefined => {
    const from = began ?? outage.at.earliest
    const instants = lines.filter((line) => line.at >= from && line.at < until && wanted(line)).map(({ at }) => at)
    return instants.length > 0 ? Math.min(...instants) : undefined
  }
  const sentAfter = began ?? outage.at.latest
  const elsewhere = ({ dc }: TruthLine): boolean => dc !== undefined && dc !== outage.dc
  const detection = after((line) => line.event === 'peer-view' && line.view === 'down' && elsewhere(line))
  const takeover = after((line) => line.event === 'takeover-end' && elsewhere(line))
  const output = after(
    ({ event, home, sentAt }) => event === 'first-output' && home === outage.dc && (sentAt ?? 0) > sentAfter,
  )
  const relative = (instant: number | undefined): number | null =>
    instant === undefined ? null : Math.round((instant - outage.origin) * 1000) / 1000
  return {
    outageMs: relative(began),
    detectionMs: relative(detection),
    takeoverMs: relative(takeover),
    firstOutputMs: relative(output),
    rtoMs: began === undefined || output === undefined ? null : Math.round((output - began) * 1000) / 1000,
  }
}

/** The note of the end of service that is nearest to the observed outage; of several inside it, the first. */
function endOf(lines: readonly TruthLine[], { dc, at }: ObservedOutage): TruthLine | undefined {
  const distance = (line: TruthLine): number => {
    const instant = instantOf(line)
    return Math.max(0, at.earliest - instant, instant - at.latest)
  }
  return lines
    .filter((line) => line.dc === dc && ENDS.has(line.event) && distance(line) <= SLACK_MS)
    .sort((a, b) => distance(a) - distance(b) || instantOf(a) - instantOf(b))[0]
}

/** Reads a lab's truth log; a partial last line is left out. */
export function readTruth(file: string): readonly TruthLine[] {
  return completeLines(readFileSync(file)).lines.map(({ text, offset }) => {
    try {
      return truthLine.parse(JSON.parse(text))
    } catch (error) {
      throw new CorruptHistoryError(file, offset, `a line is not a note of the lab (${messageOf(error)})`, {
        cause: error,
      })
    }
  })
}

/** When it happened; of a span, the middle. */
function instantOf({ at, between }: TruthLine): number {
  return between ? (between[0] + between[1]) / 2 : at
}
