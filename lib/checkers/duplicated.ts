import { defineChecker } from './define-checker.ts'
import { passUnlessBlind } from './observability.ts'
import { plural } from './text.ts'

/** Tuples that came out more than once, against the delivery contract. */
export const duplicated = defineChecker({
  name: 'duplicated',
  describe: 'No tuple comes out twice, unless the application promises delivery at least once only.',
  check: (analysis, context) => {
    const { ledger, start } = analysis
    const { delivery } = start.contract
    const { count } = ledger.duplicated
    const detail = { repeats: count, delivery, acrossDataCentres: ledger.dual.count + ledger.resentTwice }
    const evidence = context.evidence(ledger.duplicated.first)
    if (count > 0 && delivery !== 'at-least-once') {
      return {
        verdict: 'fail',
        summary: `${plural(count, 'tuple')} came out again, though the application promises delivery ${delivery.replaceAll('-', ' ')}.`,
        detail,
        evidence,
      }
    }
    return passUnlessBlind(analysis, {
      summary:
        count === 0
          ? 'No tuple came out twice.'
          : `${plural(count, 'tuple')} came out again, which delivery at least once allows.`,
      detail,
      evidence,
    })
  },
})
