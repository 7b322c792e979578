import { formatMs } from '../core/index.ts'
import { defineChecker } from './define-checker.ts'
import { passUnlessBlind } from './observability.ts'
import { micro, plural } from './text.ts'

/** Tuples that took longer than the contract allows, where no outage explains it. */
export const late = defineChecker({
  name: 'late',
  describe: 'Outside outages, every tuple comes out within the time that the contract allows.',
  check: (analysis, context) => {
    const { ledger, start } = analysis
    const { lateAfterMs } = start.contract
    const quantile = (share: number): number | null => {
      const value = ledger.latencies.quantile(share)
      return value === null ? null : micro(value)
    }
    const detail = {
      late: ledger.late.count,
      lateAfterMs: lateAfterMs ?? null,
      latencyUpperMs: { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), max: quantile(1) },
    }
    if (lateAfterMs === undefined) {
      return { verdict: 'inconclusive', applies: false, summary: 'The contract sets no limit for latency.', detail }
    }
    const limit = formatMs(lateAfterMs)
    if (ledger.late.count > 0) {
      return {
        verdict: 'fail',
        summary: `${plural(ledger.late.count, 'tuple')} came out more than ${limit} after being sent, and no outage explains it.`,
        detail,
        evidence: context.evidence(ledger.late.first),
      }
    }
    return passUnlessBlind(analysis, {
      summary: `Outside outages, every tuple that came out did so within ${limit}, as far as the taps can tell.`,
      detail,
    })
  },
})
