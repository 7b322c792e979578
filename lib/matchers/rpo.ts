import { z } from 'zod'
import type { DrillFindings, RpoMeasurement } from '../checkers/index.ts'
import {
  ConfigurationError,
  formatMs,
  isDuration,
  mergeVerdicts,
  toMs,
  type Span,
  type Verdict,
  formatSpan,
} from '../core/index.ts'
import { evidenceOf, weakenedBy } from './conclude.ts'
import type { Assessment } from './format.ts'
import type { Drill, RpoObjective } from './subject.ts'

const durationSchema = z.string().refine(isDuration, "must be a duration such as '2s'").optional()
const objectiveSchema = z.strictObject({
  tuples: z.int().nonnegative().optional(),
  time: durationSchema,
  stateAge: durationSchema,
})

/**
 * Holds what was lost against an objective: acknowledged tuples, length of lost data, age of the state that the survivor went on
 * with. Every part that the objective names is judged.
 * @throws ConfigurationError if there is no objective, or it names nothing
 */
export function assessRpo(drill: Drill, findings: DrillFindings, objective?: RpoObjective): Assessment {
  const agreed = checked(objective ?? drill.environment.objectives.rpo)
  const { rpo } = findings
  const parts =
    rpo === null ? [] : partsOf(rpo, agreed, drill.environment.contract?.maxUnknown ?? 0, adoptedKeys(findings))
  const text = parts.length > 0 ? parts.map(({ limit }) => limit).join(' and ') : 'no more than agreed'
  return {
    matcher: 'toMeetRpo',
    subject: 'drill',
    argument: objective === undefined ? undefined : inspect(objective),
    name: drill.name,
    verdict: mergeVerdicts(parts.map(({ verdict }) => verdict)),
    claim: `at most ${text} was lost`,
    contrary: `more than that was lost`,
    facts: [
      ['Objective', `${text} (${objective === undefined ? "the drill's objective" : 'given by the spec'})`],
      ['Observed', rpo === null ? 'no traffic was recorded' : parts.map(({ observed }) => observed)],
      ['Not loss', rpo === null ? undefined : apart(rpo)],
    ],
    weakenedBy: weakenedBy(findings),
    evidence: ['rpo', 'stale-state'].flatMap((name) =>
      evidenceOf(findings.findings.find((finding) => finding.name === name)),
    ),
    remedy: 'See what the taps missed: a larger sink buffer, or polling more often, leaves less unknown.',
    directory: drill.directory,
  }
}

interface Part {
  readonly verdict: Verdict
  readonly limit: string
  readonly observed: string
}

function partsOf(
  rpo: RpoMeasurement,
  objective: RpoObjective,
  maxUnknown: number,
  adopted: number | undefined,
): readonly Part[] {
  const parts: Part[] = []
  const { lostTuples, unknownTuples } = rpo
  // So many unknown tuples the contract allows; what is beyond may have been lost.
  const doubtful = Math.max(0, unknownTuples - maxUnknown)
  if (objective.tuples !== undefined) {
    const { tuples } = objective
    parts.push({
      verdict: lostTuples > tuples ? 'fail' : lostTuples + doubtful > tuples ? 'inconclusive' : 'pass',
      limit: count(tuples),
      observed: `${count(lostTuples)} lost, ${unknownTuples} of unknown fate (${maxUnknown} allowed)`,
    })
  }
  if (objective.time !== undefined) {
    const lostMs = rpo.lostSeconds * 1000
    parts.push({
      verdict: lostMs > toMs(objective.time) ? 'fail' : doubtful > 0 ? 'inconclusive' : 'pass',
      limit: `${objective.time} of data`,
      observed: `${formatMs(lostMs)} of data lost`,
    })
  }
  if (objective.stateAge !== undefined) {
    const age = rpo.stateAge
    const nothingTaken = age === null && adopted === 0
    const seen = age === null ? 'age of the state could not be told' : `state ${formatSpan(age)} old`
    parts.push({
      verdict: nothingTaken ? 'pass' : ageVerdict(age, toMs(objective.stateAge)),
      limit: `${objective.stateAge} of state`,
      observed: nothingTaken ? 'no work changed hands, so no state was taken up' : seen,
    })
  }
  return parts
}

function ageVerdict(age: Span | null, limitMs: number): Verdict {
  if (age === null) return 'inconclusive'
  return age.upperMs <= limitMs ? 'pass' : age.lowerMs > limitMs ? 'fail' : 'inconclusive'
}

/** How many keys were taken up after an outage; undefined if that was not looked at. */
function adoptedKeys({ findings }: DrillFindings): number | undefined {
  const adopted = findings.find(({ name }) => name === 'stale-state')?.detail.adopted
  return typeof adopted === 'number' ? adopted : undefined
}

function apart(rpo: RpoMeasurement): string {
  return `${count(rpo.indeterminateTuples)} without an answer, ${rpo.refusedTuples} refused`
}

function count(tuples: number): string {
  return tuples === 1 ? '1 tuple' : `${tuples} tuples`
}

function checked(objective: RpoObjective | undefined): RpoObjective {
  const remedy = "Write toMeetRpo({ tuples: 0, time: '1s', stateAge: '5s' }) with at least one of the three."
  if (objective === undefined) {
    throw new ConfigurationError('There is no RPO objective, neither in the environment nor given to toMeetRpo.', {
      remedy,
    })
  }
  const parsed = objectiveSchema.safeParse(objective)
  if (!parsed.success)
    throw new ConfigurationError(`Not an RPO objective:\n${z.prettifyError(parsed.error)}\n`, { remedy })
  if (Object.values(objective).every((part) => part === undefined)) {
    throw new ConfigurationError('The RPO objective names nothing.', { remedy })
  }
  return objective
}

function inspect(objective: RpoObjective): string {
  const members = Object.entries(objective).map(([name, value]) => {
    return `${name}: ${typeof value === 'string' ? `'${value}'` : String(value)}`
  })
  return `{ ${members.join(', ')} }`
}
