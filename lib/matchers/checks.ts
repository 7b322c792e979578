import type { DrillFindings, Finding } from '../checkers/index.ts'
import { mergeVerdicts, type Verdict } from '../core/index.ts'
import { assess, evidenceOf, weakenedBy, type MatcherResult } from './conclude.ts'
import type { Assessment } from './format.ts'
import type { Drill } from './subject.ts'

/** A matcher that asks one or more checkers. */
export interface CheckMatcher {
  readonly matcher: string
  /** Names of the checkers; all must say so. */
  readonly checks: readonly string[]
  /** `fail` for a matcher that claims what its checkers exist to find, e.g. `toHaveSplitBrain`. */
  readonly claims: 'pass' | 'fail'
  readonly claim: string
  readonly contrary: string
  readonly remedy: string
}

/**
 * Holds a drill against a matcher of this family. A check that had nothing to judge is unknown. Where a check fails as the spec
 * says it should, the drill is told.
 * @throws InconclusiveError
 */
export function assessChecks(definition: CheckMatcher, drill: Drill, isNot: boolean): Promise<MatcherResult> {
  return assess(drill, isNot, (findings) => assessFindings(definition, drill, findings, isNot))
}

/** The assessment of {@link assessChecks}; tells the drill what the spec has shown to expect. */
export function assessFindings(
  definition: CheckMatcher,
  drill: Drill,
  findings: DrillFindings,
  isNot: boolean,
): Assessment {
  const asked = definition.checks.map((name) => ({ name, finding: find(findings, name) }))
  const merged = mergeVerdicts(asked.map(({ finding }) => verdictOf(finding)))
  const verdict = definition.claims === 'pass' ? merged : inverted(merged)
  if (merged === 'fail' && (verdict === 'pass') !== isNot) {
    const failing = asked.filter(({ finding }) => finding?.verdict === 'fail')
    const because = `the spec asserts that ${isNot ? definition.contrary : definition.claim}`
    for (const { name } of failing) drill.expects?.(name, 'fail', because)
  }
  return {
    matcher: definition.matcher,
    subject: 'drill',
    name: drill.name,
    verdict,
    claim: definition.claim,
    contrary: definition.contrary,
    facts: [['Observed', asked.map(({ name, finding }) => observed(name, finding))]],
    weakenedBy: weakenedBy(findings),
    evidence: asked.flatMap(({ name, finding }) =>
      evidenceOf(finding).map((line) => (asked.length > 1 ? `${name}: ${line}` : line)),
    ),
    remedy: definition.remedy,
    directory: drill.directory,
  }
}

function find(findings: DrillFindings, name: string): Finding | undefined {
  return findings.findings.find((finding) => finding.name === name)
}

function verdictOf(finding: Finding | undefined): Verdict {
  return finding?.applies ? finding.verdict : 'inconclusive'
}

function inverted(verdict: Verdict): Verdict {
  return verdict === 'inconclusive' ? verdict : verdict === 'pass' ? 'fail' : 'pass'
}

function observed(name: string, finding: Finding | undefined): string {
  if (finding === undefined) return `${name}: was not checked`
  const mark = { pass: '✓', fail: '✗', inconclusive: '?' }[finding.verdict]
  return `${mark} ${name}: ${finding.summary}${finding.applies ? '' : ' (nothing to judge)'}`
}
