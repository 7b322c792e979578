import { formatMs } from '../core/index.ts'
import { DCS } from '../history/index.ts'
import type { Analysis, CheckContext } from './analysis.ts'
import { defineChecker, type Conclusion } from './define-checker.ts'
import type { Evidence } from './finding.ts'
import type { Adoption } from './ledger/keys.ts'
import { FILES, RecordStream } from '../history/index.ts'
import { blindness } from './observability.ts'
import { micro, plural, spanText } from './text.ts'

/**
 * Age of the state that work was taken up with. The survivor's first tuple of a key carries a running count c; the victim's own
 * results tell when it processed the c-th tuple: the first whose effect the state lacks. State age is the time from then to the
 * outage. Held against the objective, or else against the toolkit's prediction.
 */
export const staleState = defineChecker({
  name: 'stale-state',
  describe: 'The state that the survivor starts from is no older than agreed, or than the toolkit’s rules predict.',
  check: (analysis, context) => {
    const { ledger } = analysis
    const taken = ledger.work.adoptions
    const worst = [...taken].sort((a, b) => upper(b) - upper(a) || lower(b) - lower(a))
    const limit = limitOf(analysis)
    const detail = {
      adopted: taken.length,
      missingUpdates: taken.reduce((sum, { missing }) => sum + missing, 0),
      emptyKeys: taken.filter(({ count, before }) => count === 1 && before > 0).length,
      ageMs: ageDetail(worst),
      limitMs: limit ? micro(limit.ms) : null,
      limitFrom: limit?.from ?? null,
    }
    const evidence = worst.filter(({ missing }) => missing > 0).map((adoption) => describe(adoption, analysis, context))
    return { detail, evidence: evidence.slice(0, 5), ...judge(analysis, taken, worst, limit) }
  },
})

interface Limit {
  readonly ms: number
  readonly from: string
}

function judge(
  analysis: Analysis,
  taken: readonly Adoption[],
  worst: readonly Adoption[],
  limit: Limit | undefined,
): Pick<Conclusion, 'verdict' | 'summary' | 'applies'> {
  if (taken.length === 0) {
    const broken = analysis.timeline.outages.length > 0
    const blind = blindness(analysis)
    const why = blind ?? 'no work with state of its own was seen to be taken up after an outage'
    return {
      verdict: 'inconclusive',
      applies: broken && blind !== undefined,
      summary: `State age cannot be told: ${why}.`,
    }
  }
  const keys = plural(taken.length, 'key')
  const age = { lowerMs: Math.max(...taken.map(lower)), upperMs: upper(worst[0] ?? taken[0]) }
  if (age.upperMs === 0)
    return { verdict: 'pass', summary: `All ${keys} were taken up with the very last state that was seen.` }
  const said = Number.isFinite(age.upperMs) ? spanText(age) : `at least ${formatMs(age.lowerMs)}`
  if (!limit) {
    return {
      verdict: 'inconclusive',
      summary: `State was ${said} old; neither objective nor prediction says what is allowed.`,
    }
  }
  const allowed = `${limit.from} allows ${formatMs(limit.ms)}`
  if (age.lowerMs > limit.ms)
    return { verdict: 'fail', summary: `State was taken up that was ${said} old; the ${allowed}.` }
  const blind = blindness(analysis)
  if (blind) return { verdict: 'inconclusive', summary: `State age cannot be told: ${blind}.` }
  if (age.upperMs <= limit.ms) {
    return {
      verdict: 'pass',
      summary: `The oldest state of ${keys} that were taken up was ${said} old; the ${allowed}.`,
    }
  }
  return {
    verdict: 'inconclusive',
    summary: `State was ${said} old; the ${allowed}: sample faster, or send more tuples per key.`,
  }
}

function limitOf({ start }: Analysis): Limit | undefined {
  const agreed = start.objectives.rpo?.stateAgeMs
  if (agreed !== undefined) return { ms: agreed, from: 'objective' }
  const { prediction } = start
  if (!prediction?.stateAge) return undefined
  return { ms: prediction.stateAge.upperMs + prediction.toleranceMs, from: 'prediction' }
}

const lower = (adoption: Adoption | undefined): number => adoption?.age?.lowerMs ?? 0
const upper = (adoption: Adoption | undefined): number =>
  adoption?.age ? adoption.age.upperMs : Number.POSITIVE_INFINITY

function ageDetail(worst: readonly Adoption[]): { lower: number; upper: number | null } | null {
  if (worst.length === 0) return null
  const top = upper(worst[0])
  return { lower: micro(Math.max(...worst.map(lower))), upper: Number.isFinite(top) ? micro(top) : null }
}

function describe(adoption: Adoption, { ledger }: Analysis, context: CheckContext): Evidence {
  const key = ledger.keys[adoption.key]?.key
  const { from, to, count, before, missing, age } = adoption
  const old = age && Number.isFinite(age.upperMs) ? `, ${spanText(age)} old at the outage` : ''
  return {
    note:
      `${DCS[to]} went on with count ${count} after ${DCS[from]} had shown ${before}: ` +
      `${plural(missing, 'update')} missing${old}`,
    ...(key === undefined ? {} : { key }),
    dc: DCS[to],
    seen: context.interval(adoption.seen),
    file: FILES.sights,
    offset: RecordStream.offsetOf(adoption.record),
  }
}
