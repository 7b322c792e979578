import { defineChecker } from './define-checker.ts'
import { blindness, passUnlessBlind } from './observability.ts'
import { plural } from './text.ts'

/** The application's own arithmetic: running count and sum per key. */
export const transformation = defineChecker({
  name: 'transformation',
  describe: 'For each key, the running count grows by one and the running sum by the value, from tuple to tuple.',
  check: (analysis, context) => {
    const { wrong, steps, unverified } = analysis.ledger.work
    const detail = { wrong: wrong.count, checked: steps, unverified }
    if (wrong.count > 0) {
      return {
        verdict: 'fail',
        summary: `${plural(wrong.count, 'result')} of the application ${wrong.count === 1 ? 'is' : 'are'} wrong: count or sum of a key does not follow from the tuple before.`,
        detail,
        evidence: context.evidence(wrong.first),
      }
    }
    if (steps === 0 && !blindness(analysis)) {
      return { verdict: 'inconclusive', summary: 'No two results of one key were seen in a row.', detail }
    }
    return passUnlessBlind(analysis, {
      summary: `All ${steps.toLocaleString('en-GB')} results that could be checked are right.`,
      detail,
    })
  },
})
