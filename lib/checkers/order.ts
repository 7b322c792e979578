import { defineChecker } from './define-checker.ts'
import { passUnlessBlind } from './observability.ts'
import { plural } from './text.ts'

/**
 * Order per key at each data centre. Repeats do not count, nor does the handover from one data centre to the other, nor what had
 * been given up without an answer when it came, nor what was sent while the data centre was away and waited on the way for its
 * return: the sender went on without knowing, so no order was promised.
 */
export const order = defineChecker({
  name: 'order',
  describe: 'At each data centre, tuples of one key come out in the order in which they were sent there.',
  check: (analysis, context) => {
    const { ledger, start } = analysis
    const { reordered, handovers, overtaken } = ledger.work
    const detail = { reordered: reordered.count, overtaken, handovers, promised: start.contract.ordered }
    const evidence = context.evidence(reordered.first)
    if (!start.contract.ordered) {
      return {
        verdict: 'inconclusive',
        applies: false,
        summary: `The application promises no order; ${plural(reordered.count, 'tuple')} came out behind a later one of its key.`,
        detail,
        evidence,
      }
    }
    if (reordered.count > 0) {
      return {
        verdict: 'fail',
        summary: `${plural(reordered.count, 'tuple')} came out behind a later one of the same key.`,
        detail,
        evidence,
      }
    }
    return passUnlessBlind(analysis, { summary: 'The tuples of each key came out in order.', detail })
  },
})
