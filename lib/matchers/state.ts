import type { DrillFindings, Finding } from '../checkers/index.ts'
import type { Verdict } from '../core/index.ts'
import { evidenceOf, weakenedBy } from './conclude.ts'
import type { Assessment } from './format.ts'
import type { Drill } from './subject.ts'

const CHECK = 'stale-state'

/**
 * Whether work went on with empty state after an outage although state had been built up. What an outage that nobody notices is
 * expected to do; the drill is told where the check fails for it.
 */
export function assessStateLoss(drill: Drill, findings: DrillFindings, isNot: boolean): Assessment {
  const finding = findings.findings.find(({ name }) => name === CHECK)
  const adopted = number(finding, 'adopted')
  const empty = number(finding, 'emptyKeys')
  const verdict: Verdict =
    !finding?.applies || !adopted || empty === undefined ? 'inconclusive' : empty > 0 ? 'pass' : 'fail'
  const claim = 'work went on with empty state'
  if (verdict === 'pass' && !isNot && finding?.verdict === 'fail') {
    drill.expects?.(CHECK, 'fail', `the spec asserts that ${claim}`)
  }
  return {
    matcher: 'toLoseItsState',
    subject: 'drill',
    name: drill.name,
    verdict,
    claim,
    contrary: 'work went on with the state that it had',
    facts: [
      ['Observed', adopted === undefined ? 'the state was not checked' : `${empty} of ${adopted} keys began anew`],
      ['Checker', finding === undefined ? undefined : `${CHECK}: ${finding.summary}`],
    ],
    weakenedBy: weakenedBy(findings),
    evidence: evidenceOf(finding),
    remedy: 'Send to the same keys before and after the outage, so that their counts can be compared.',
    directory: drill.directory,
  }
}

function number(finding: Finding | undefined, member: string): number | undefined {
  const value = finding?.detail[member]
  return typeof value === 'number' ? value : undefined
}
