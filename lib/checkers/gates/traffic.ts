import { formatMs } from '../../core/index.ts'
import { DCS } from '../../history/index.ts'
import type { Analysis } from '../analysis.ts'
import { delivered, STEADY_LEAST_MS, STEADY_SHARE } from '../steady.ts'
import { micro, plural } from '../text.ts'
import { defineGate } from './define-gate.ts'

/** Fewest tuples of each affected home's work in each part of a drill. */
const LEAST_TUPLES = 20

/** Longest time between two sends of the work during an outage that still tells when service came back. */
const LONGEST_SILENCE_MS = 500

/** Enough was sent, and came out, before anything was broken. */
export const trafficBefore = defineGate('traffic-before', (analysis) => {
  const { ledger, timeline } = analysis
  const counts = homesOf(analysis).map((home) => ({
    home: DCS[home],
    seen: delivered(ledger.rates, home, Number.NEGATIVE_INFINITY, timeline.firstTrouble).seen,
  }))
  const thin = counts.filter(({ seen }) => seen < LEAST_TUPLES)
  const detail = { least: LEAST_TUPLES, homes: counts }
  if (thin.length === 0) return { verdict: 'pass', summary: 'Enough traffic came through before the fault.', detail }
  const said = thin.map(({ home, seen }) => `${plural(seen, 'tuple')} of the work of ${home}`).join(' and ')
  return {
    verdict: 'inconclusive',
    summary: `Only ${said} came through before the fault (${LEAST_TUPLES} needed).`,
    detail,
  }
})

/** During an outage its work went on being sent, without long silences. */
export const trafficDuring = defineGate('traffic-during', ({ ledger }) => {
  if (ledger.recoveries.length === 0) return undefined
  const outages = ledger.recoveries.map(({ outage, offered, longestGapMs }) => ({
    dc: outage.name,
    offered,
    longestSilenceMs: micro(longestGapMs),
  }))
  const detail = { longestAllowedMs: LONGEST_SILENCE_MS, outages }
  const thin = outages.find(({ offered, longestSilenceMs }) => offered === 0 || longestSilenceMs > LONGEST_SILENCE_MS)
  if (!thin) return { verdict: 'pass', summary: 'The work went on being offered during the outage.', detail }
  const said =
    thin.offered === 0
      ? `None of the work of ${thin.dc} was offered after its outage`
      : `Nothing of the work of ${thin.dc} was offered for ${formatMs(thin.longestSilenceMs)} during its outage`
  return { verdict: 'inconclusive', summary: `${said}: nobody can tell when service came back.`, detail }
})

/** After the recovery, or the fault, enough was sent to judge the service that came back. */
export const trafficAfter = defineGate('traffic-after', (analysis) => {
  const { ledger, timeline } = analysis
  if (!Number.isFinite(timeline.firstTrouble)) return undefined
  const counts = homesOf(analysis).map((home) => {
    const back = ledger.recoveries.filter(({ outage }) => outage.dc === home).map(({ latest }) => latest)
    const recovered = Math.max(timeline.firstTrouble, ...back.filter((instant) => Number.isFinite(instant)))
    return { home: DCS[home], offered: delivered(ledger.rates, home, recovered, Number.POSITIVE_INFINITY).offered }
  })
  const thin = counts.filter(({ offered }) => offered < LEAST_TUPLES)
  const detail = { least: LEAST_TUPLES, homes: counts }
  if (thin.length === 0) return { verdict: 'pass', summary: 'Enough traffic was sent after the fault.', detail }
  const said = thin.map(({ home, offered }) => `${plural(offered, 'tuple')} of the work of ${home}`).join(' and ')
  return {
    verdict: 'inconclusive',
    summary: `Only ${said} was sent after the recovery (${LEAST_TUPLES} needed).`,
    detail,
  }
})

/** Traffic was steady just before anything was broken. */
export const steadyBefore = defineGate('steady-before', (analysis) => {
  const { ledger, timeline } = analysis
  const { firstTrouble } = timeline
  if (!Number.isFinite(firstTrouble)) return undefined
  const parts = homesOf(analysis).map((home) => {
    const part = delivered(ledger.rates, home, firstTrouble - 1000, firstTrouble - ledger.rates.widthMs)
    return {
      home: DCS[home],
      ms: Math.min(part.ms, firstTrouble - ledger.firstSend),
      share: part.offered > 0 ? part.seen / part.offered : 0,
    }
  })
  const detail = { homes: parts.map(({ home, ms, share }) => ({ home, ms: micro(ms), share: micro(share) })) }
  const poor = parts.find(({ ms, share }) => ms < STEADY_LEAST_MS || share < STEADY_SHARE)
  if (!poor) return { verdict: 'pass', summary: 'Traffic was steady before the fault.', detail }
  const said = `in the last second before it ${Math.round(poor.share * 100)} % of the work of ${poor.home} came out`
  return { verdict: 'inconclusive', summary: `Traffic was not steady before the fault: ${said}.`, detail }
})

/** Homes whose work a verdict is about: those hit by outages, else all that have traffic. */
function homesOf({ ledger, timeline }: Analysis): readonly (0 | 1)[] {
  const hit = new Set(timeline.outages.map(({ dc }) => dc))
  if (hit.size > 0) return [...hit]
  const used = ([0, 1] as const).filter((home) => ledger.rates.offered[home].some((count) => count > 0))
  return used.length > 0 ? used : [0, 1]
}
