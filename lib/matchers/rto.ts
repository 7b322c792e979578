import type { DrillFindings, RtoMeasurement } from '../checkers/index.ts'
import {
  ConfigurationError,
  formatMs,
  toMs,
  type Duration,
  type Span,
  type Verdict,
  formatSpan,
} from '../core/index.ts'
import { evidenceOf, weakenedBy } from './conclude.ts'
import type { Assessment } from './format.ts'
import type { Drill } from './subject.ts'

/**
 * Holds the observed RTO against an objective: pass if its upper bound is within, fail if its lower bound is beyond, else unknown.
 * Several outages count with the longest.
 * @throws ConfigurationError if there is no objective
 */
export function assessRto(drill: Drill, findings: DrillFindings, objective?: Duration): Assessment {
  const agreed = objective ?? drill.environment.objectives.rto
  if (agreed === undefined) {
    throw new ConfigurationError('There is no RTO objective.', {
      remedy: "Give the environment `objectives: { rto: '30s' }`, or write toMeetRto('30s').",
    })
  }
  const limitMs = toMs(agreed)
  const { rto } = findings
  const verdict = judge(findings, limitMs)
  const from = objective === undefined ? "the drill's objective" : 'given by the spec'
  return {
    matcher: 'toMeetRto',
    subject: 'drill',
    argument: objective === undefined ? undefined : `'${objective}'`,
    name: drill.name,
    verdict,
    claim: `the service was back within ${agreed}`,
    contrary: `it took longer than ${agreed}`,
    facts: [
      ['Objective', `${agreed} (${from})`],
      ['Observed', observed(rto)],
      ['Margin', margin(rto, limitMs)],
      ['Stages', stages(rto)],
      ['Slow stage', slowest(rto)],
    ],
    weakenedBy: weakenedBy(findings),
    evidence: evidenceOf(findings.findings.find((finding) => finding.name === 'rto')),
    remedy: remedy(rto),
    directory: drill.directory,
  }
}

function judge({ rto, gates }: DrillFindings, limitMs: number): Verdict {
  if (rto === null) return 'inconclusive'
  if (rto.span === null) {
    // Where the taps were blind, service may have come back unseen.
    const blind = gates.some(({ name, verdict }) => name === 'taps' && verdict !== 'pass')
    return rto.notBeforeMs !== null && rto.notBeforeMs > limitMs && !blind ? 'fail' : 'inconclusive'
  }
  if (rto.span.upperMs <= limitMs) return 'pass'
  return rto.span.lowerMs > limitMs ? 'fail' : 'inconclusive'
}

function observed(rto: RtoMeasurement | null): string {
  if (rto === null) return 'no outage was recorded'
  const what = `outage of ${rto.dc} (${rto.reason})`
  if (rto.span === null) {
    const least = rto.notBeforeMs === null ? '' : `, for at least ${formatMs(rto.notBeforeMs)}`
    return `${what}: no recovery was seen${least}`
  }
  const where = rto.recoveredAt === null ? '' : ` at ${rto.recoveredAt}`
  return `${formatSpan(rto.span)} from the ${what} to the first output of its work${where}`
}

function margin(rto: RtoMeasurement | null, limitMs: number): string | undefined {
  if (!rto?.span) return undefined
  const { lowerMs, upperMs } = rto.span
  return `${formatMs(limitMs - upperMs)} at worst, ${formatMs(limitMs - lowerMs)} at best`
}

function stages(rto: RtoMeasurement | null): readonly string[] {
  if (rto === null) return []
  const { detection, takeover, firstOutput, steady } = rto.stages
  const named = { detection, takeover, 'first output': firstOutput, steady }
  const seen = Object.entries(named).map(([name, span]) => `${name} ${span === null ? 'not seen' : formatSpan(span)}`)
  return [`${seen.join(', ')} (since the outage)`]
}

/** The stage that took the largest part of the time to the first output, by the middles of what was observed. */
function slowest(rto: RtoMeasurement | null): string | undefined {
  if (!rto?.span) return undefined
  const ends = [
    ['detection', rto.stages.detection],
    ['takeover', rto.stages.takeover],
    ['first output', rto.stages.firstOutput ?? rto.span],
  ] as const
  let since = 0
  let slow: { name: string; ms: number } | undefined
  for (const [name, span] of ends) {
    if (span === null) continue
    const ms = middle(span) - since
    since = middle(span)
    if (slow === undefined || ms > slow.ms) slow = { name, ms }
  }
  const total = middle(rto.span)
  if (slow === undefined || total <= 0) return undefined
  return `${slow.name}, about ${formatMs(slow.ms)} (${Math.min(100, Math.round((100 * slow.ms) / total))}%)`
}

function middle(span: Span): number {
  return (span.lowerMs + span.upperMs) / 2
}

function remedy(rto: RtoMeasurement | null): string {
  if (rto === null) return 'Inject a fault that takes a service away, and see that it was confirmed.'
  if (rto.span === null) return 'Watch and send for longer than the objective after the outage.'
  const outage = rto.outage.latest - rto.outage.earliest
  const recovery = rto.recovery === null ? 0 : rto.recovery.latest - rto.recovery.earliest
  return outage >= recovery
    ? `The time of the outage is known only to ${formatMs(outage)}: use a fault whose effect is seen sooner.`
    : `The recovery is known only to ${formatMs(recovery)}: send and poll more often.`
}
