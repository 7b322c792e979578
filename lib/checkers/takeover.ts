import { DCS } from '../history/index.ts'
import type { Analysis } from './analysis.ts'
import { defineChecker } from './define-checker.ts'
import type { RtoMeasurement } from './finding.ts'
import { blindness } from './observability.ts'
import { plural } from './text.ts'

/** After an outage, the other data centre takes the work over. */
export const takeover = defineChecker({
  name: 'takeover',
  describe: 'After an outage, the other data centre takes the work over.',
  check: (analysis, context) => {
    const { timeline, outages } = analysis
    if (outages.length === 0) {
      return { verdict: 'inconclusive', applies: false, summary: 'No data centre’s service was taken away.' }
    }
    const missed = outages.filter((outage) => !happened(outage))
    const events = timeline.of('takeover')
    const pieces = events.find(({ snapshots }) => snapshots !== undefined)?.snapshots
    const detail = {
      outages: outages.length,
      takenOver: outages.length - missed.length,
      pieces: pieces ?? null,
      evidence: events[0]?.evidence ?? null,
    }
    const evidence = events.slice(0, 5).map((event) => ({
      note: `${event.survivor} took over${event.snapshots === undefined ? '' : ` ${plural(event.snapshots, 'piece')} of state`}`,
      dc: event.survivor,
      seen: context.interval(event.at),
    }))
    const first = missed[0]
    if (!first) {
      const state = pieces === undefined ? '' : ` with ${plural(pieces, 'piece')} of replicated state`
      return { verdict: 'pass', summary: `The other data centre took the work over${state}.`, detail, evidence }
    }
    const why = cannotTell(analysis, first)
    if (why)
      return {
        verdict: 'inconclusive',
        summary: `Whether the work of ${first.dc} was taken over cannot be told: ${why}.`,
        detail,
      }
    const back = first.recoveredAt === first.dc ? `; ${first.dc} went on by itself` : ''
    return {
      verdict: 'fail',
      summary: `The work of ${first.dc} was not taken over by the other data centre${back}.`,
      detail,
      evidence,
    }
  },
})

function happened({ dc, stages, recoveredAt }: RtoMeasurement): boolean {
  return stages.takeover !== null || (recoveredAt !== null && recoveredAt !== dc)
}

/** Absence of a takeover is shown by having watched for longer than one may take, or by the data plane. */
function cannotTell(analysis: Analysis, { dc, outage, recoveredAt }: RtoMeasurement): string | undefined {
  const { timeline, start, lastInstant } = analysis
  const other = DCS.find((name) => name !== dc)
  const watched = timeline.pairs.length > 0 || timeline.of('observation').some((event) => event.dc === other)
  if (!watched && recoveredAt === null) return 'the pair was not watched'
  const blind = blindness(analysis, { unknownMatters: false })
  if (blind && !watched) return blind
  const due = start.prediction?.takeoverAfterCrash?.upperMs ?? start.prediction?.detectionAfterCrash?.upperMs
  const watchedMs = lastInstant - start.origin - outage.latest
  if (recoveredAt === null && (due === undefined || watchedMs < due)) return 'the drill did not last long enough'
  return undefined
}
