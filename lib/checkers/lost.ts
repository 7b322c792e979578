import { defineChecker } from './define-checker.ts'
import { passUnlessBlind } from './observability.ts'
import { plural } from './text.ts'

/** Acknowledged tuples that never came out, against the number that the objective allows. */
export const lost = defineChecker({
  name: 'lost',
  describe: 'Every acknowledged tuple comes out at a tap, but for as many as the objective allows.',
  check: (analysis, context) => {
    const { ledger, start } = analysis
    const allowed = start.objectives.rpo?.tuples ?? 0
    const detail = {
      lost: ledger.lost.count,
      allowed,
      acknowledged: ledger.acknowledged,
      unknown: ledger.unknown.count,
      unknownBy: { ...ledger.unknownBy },
      indeterminate: ledger.indeterminate,
      refused: ledger.refused,
    }
    const count = plural(ledger.lost.count, 'acknowledged tuple')
    if (ledger.lost.count > allowed) {
      return {
        verdict: 'fail',
        summary: `${count} of ${ledger.acknowledged.toLocaleString('en-GB')} never came out at any data centre (allowed: ${allowed}).`,
        detail,
        evidence: context.evidence(ledger.lost.first),
      }
    }
    return passUnlessBlind(analysis, {
      summary:
        ledger.lost.count === 0
          ? 'Every acknowledged tuple came out.'
          : `${count} never came out, which the objective allows (${allowed}).`,
      detail,
      evidence: context.evidence(ledger.lost.first),
    })
  },
})
