import { DCS } from '../history/index.ts'
import type { Analysis } from './analysis.ts'
import type { Conclusion } from './define-checker.ts'
import { plural } from './text.ts'

/** Why the data plane cannot be judged, or undefined if it can: one clause. */
export function blindness(
  { ledger, start }: Analysis,
  options: { readonly unknownMatters?: boolean } = {},
): string | undefined {
  if (ledger.sent === 0) return 'no traffic was recorded'
  const unread = DCS.filter((_, dc) => ledger.taps[dc === 0 ? 0 : 1].polls === 0)
  if (unread.length > 0) return `the tap of ${unread.join(' and ')} was never read`
  if (ledger.sights === 0) return 'the taps showed nothing at all'
  const { maxUnknown } = start.contract
  const dropped = ledger.taps[0].dropped + ledger.taps[1].dropped
  if (options.unknownMatters !== false) {
    if (ledger.unknown.count > maxUnknown) {
      return `the fate of ${plural(ledger.unknown.count, 'acknowledged tuple')} is unknown (${maxUnknown} allowed)`
    }
    if (dropped > maxUnknown) return `the taps dropped ${plural(dropped, 'tuple')} unread (${maxUnknown} allowed)`
  }
  return undefined
}

/** A pass that turns inconclusive where the data plane could not be seen well enough. */
export function passUnlessBlind(analysis: Analysis, pass: Omit<Conclusion, 'verdict'>): Conclusion {
  const blind = blindness(analysis)
  if (!blind) return { verdict: 'pass', ...pass }
  return { verdict: 'inconclusive', detail: pass.detail ?? {}, summary: `This cannot be told: ${blind}.` }
}
