import { defineChecker } from './define-checker.ts'
import { passUnlessBlind } from './observability.ts'
import { plural } from './text.ts'

/** Content of what came out: checksum, form, and the fields that were sent. */
export const integrity = defineChecker({
  name: 'integrity',
  describe: 'What comes out is what was sent: checksum, key, number and value.',
  check: (analysis, context) => {
    const { corrupt, unparsable, altered, sights } = analysis.ledger
    const bad = corrupt.count + unparsable.count + altered.count
    const detail = { corrupt: corrupt.count, unparsable: unparsable.count, altered: altered.count, sights }
    if (bad > 0) {
      return {
        verdict: 'fail',
        summary: `${plural(bad, 'tuple')} of ${sights.toLocaleString('en-GB')} came out damaged.`,
        detail,
        evidence: context.evidence([...corrupt.first, ...unparsable.first, ...altered.first].slice(0, 5)),
      }
    }
    return passUnlessBlind(analysis, { summary: 'Every tuple came out as it was sent.', detail })
  },
})
