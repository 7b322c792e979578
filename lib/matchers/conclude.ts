import type { DrillFindings, Finding } from '../checkers/index.ts'
import { InconclusiveError } from './errors.ts'
import { assertedVerdict, formatMessage, type Assessment } from './format.ts'
import type { Drill } from './subject.ts'

/** What Vitest takes from a matcher. */
export interface MatcherResult {
  readonly pass: boolean
  readonly message: () => string
}

/**
 * The result of a matcher from its assessment. `pass` is about the claim, as Vitest negates it itself.
 * @throws InconclusiveError where it cannot be known, with and without `.not`
 */
export function conclude(assessment: Assessment, isNot: boolean): MatcherResult {
  const asserted = assertedVerdict(assessment, isNot)
  const message = formatMessage(assessment, isNot)
  if (asserted === 'inconclusive') throw new InconclusiveError(message)
  return { pass: (asserted === 'pass') !== isNot, message: () => message }
}

/**
 * Asks a drill for its findings, assesses them, leaves a note on the test where the assertion does not hold, and concludes.
 * @throws InconclusiveError
 */
export async function assess(
  drill: Drill,
  isNot: boolean,
  judge: (findings: DrillFindings) => Assessment,
): Promise<MatcherResult> {
  const assessment = judge(await drill.findings())
  const asserted = assertedVerdict(assessment, isNot)
  if (asserted !== 'pass') {
    // A note that comes too late is refused by Vitest; the assertion says the same.
    await drill.annotate?.(formatMessage(assessment, isNot), `failover:${asserted}`).catch(() => {})
  }
  return conclude(assessment, isNot)
}

/** Gates of a drill that are not met, as lines. */
export function weakenedBy(findings: DrillFindings): readonly string[] {
  return findings.gates.filter((gate) => gate.verdict !== 'pass').map((gate) => `${gate.name}: ${gate.summary}`)
}

/** Evidence of a finding as lines. */
export function evidenceOf(finding: Finding | undefined): readonly string[] {
  return (finding?.evidence ?? []).map(({ note, seq, key, dc }) => {
    const where = [seq === undefined ? '' : `tuple ${seq}`, key ? `key ${key}` : '', dc ? `at ${dc}` : '']
    const place = where.filter((part) => part !== '').join(', ')
    return place ? `${note} (${place})` : note
  })
}
