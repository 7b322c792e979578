import { defineChecker } from './define-checker.ts'
import { passUnlessBlind } from './observability.ts'
import { plural } from './text.ts'

/** Output that nobody sent, or that was refused. */
export const phantom = defineChecker({
  name: 'phantom',
  describe: 'Nothing comes out that was not sent, or that was refused.',
  check: (analysis, context) => {
    const { phantom: unsent, refusedSeen, foreign } = analysis.ledger
    const detail = { neverSent: unsent.count, refusedYetSeen: refusedSeen.count, foreign: foreign.count }
    if (unsent.count + refusedSeen.count > 0) {
      return {
        verdict: 'fail',
        summary: `${plural(unsent.count + refusedSeen.count, 'tuple')} came out that nobody had sent, or that had been refused.`,
        detail,
        evidence: context.evidence([...unsent.first, ...refusedSeen.first].slice(0, 5)),
      }
    }
    if (foreign.count > 0) {
      return {
        verdict: 'inconclusive',
        summary: `${plural(foreign.count, 'tuple')} came out that ${foreign.count === 1 ? 'is' : 'are'} not of this drill: invented, or someone else is sending too.`,
        detail,
        evidence: context.evidence(foreign.first),
      }
    }
    return passUnlessBlind(analysis, { summary: 'Nothing came out that had not been sent.', detail })
  },
})
