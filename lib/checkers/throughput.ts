import { DCS } from '../history/index.ts'
import { defineChecker } from './define-checker.ts'
import { blindness } from './observability.ts'
import { delivered, STEADY_LEAST_MS, STEADY_SHARE, type Delivered } from './steady.ts'
import { micro } from './text.ts'

/** Length of the stretches before the fault and at the end that are compared, in milliseconds. */
const STRETCH_MS = 1000

/** How much of what was sent came out, per home: before the fault, and at the end. */
export const throughput = defineChecker({
  name: 'throughput',
  describe:
    'At the end, as large a share of the offered work comes out as before the fault, for each data centre’s work.',
  check: (analysis) => {
    const { ledger, timeline } = analysis
    const blind = blindness(analysis)
    const trouble = timeline.firstTrouble
    if (!Number.isFinite(trouble)) {
      return { verdict: 'inconclusive', applies: false, summary: 'Nothing was broken in this drill.' }
    }
    if (blind) return { verdict: 'inconclusive', summary: `This cannot be told: ${blind}.` }
    const recovered = Math.max(
      trouble,
      ...ledger.recoveries.map(({ latest, outage }) => (Number.isFinite(latest) ? latest : outage.at.latest)),
    )
    const end = ledger.lastSend
    const homes = ([0, 1] as const)
      .map((home) => ({
        home: DCS[home],
        before: delivered(ledger.rates, home, Math.max(ledger.firstSend, trouble - STRETCH_MS), trouble),
        after: delivered(ledger.rates, home, Math.max(recovered, end - STRETCH_MS), end),
      }))
      .filter(({ before, after }) => before.offered + after.offered > 0)
    const detail = {
      homes: homes.map(({ home, before, after }) => ({ home, before: show(before), after: show(after) })),
    }
    const thin = homes.filter(({ before, after }) => !enough(before) || !enough(after))
    if (homes.length === 0 || thin.length > 0) {
      const which = thin.map(({ home }) => home).join(' and ') || 'any data centre'
      return {
        verdict: 'inconclusive',
        summary: `Too little was sent before the fault or after the recovery for the work of ${which}.`,
        detail,
      }
    }
    const slow = homes.filter(({ before, after }) => share(after) < STEADY_SHARE * share(before))
    if (slow.length > 0) {
      const said = slow.map(({ home, after }) => `${Math.round(share(after) * 100)} % of the work of ${home}`)
      return {
        verdict: 'fail',
        summary: `Service did not come back in full: at the end ${said.join(' and ')} came out.`,
        detail,
      }
    }
    return { verdict: 'pass', summary: 'At the end as much of the offered work came out as before the fault.', detail }
  },
})

const share = ({ offered, seen }: Delivered): number => (offered === 0 ? 0 : seen / offered)
const enough = ({ ms, offered }: Delivered): boolean => ms >= STEADY_LEAST_MS && offered >= 5

function show(part: Delivered): { offered: number; seen: number; perSecond: number } {
  return { offered: part.offered, seen: part.seen, perSecond: part.ms === 0 ? 0 : micro((part.seen / part.ms) * 1000) }
}
