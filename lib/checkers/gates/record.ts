import { DCS } from '../../history/index.ts'
import { blindness } from '../observability.ts'
import { plural } from '../text.ts'
import { defineGate } from './define-gate.ts'

/** The taps saw all that came out. */
export const taps = defineGate('taps', (analysis) => {
  const { ledger } = analysis
  if (ledger.sent === 0 && ledger.sights === 0) return undefined
  const detail = {
    unknown: ledger.unknown.count,
    taps: DCS.map((dc, index) => {
      const tap = ledger.taps[index === 0 ? 0 : 1]
      return { dc, polls: tap.polls, dropped: tap.dropped }
    }),
  }
  const blind = blindness(analysis)
  if (!blind) return { verdict: 'pass', summary: 'The taps saw all that came out.', detail }
  return { verdict: 'inconclusive', summary: `The taps did not see all that came out: ${blind}.`, detail }
})

/** The drill ran to its end. */
export const uninterrupted = defineGate('uninterrupted', ({ timeline }) => {
  const [event] = timeline.of('interrupted')
  if (!event) return { verdict: 'pass', summary: 'The drill was not interrupted.' }
  return { verdict: 'inconclusive', summary: `The drill was interrupted: ${event.reason}.` }
})

/** The files of the drill are whole. */
export const wholeRecord = defineGate('whole-record', ({ ledger, tailBytes }) => {
  const detail = { eventBytes: tailBytes, sendBytes: ledger.tailBytes.sends, sightBytes: ledger.tailBytes.sights }
  const cut = tailBytes + ledger.tailBytes.sends + ledger.tailBytes.sights
  if (cut === 0) return { verdict: 'pass', summary: 'The record is whole.', detail }
  return {
    verdict: 'inconclusive',
    summary: `The record breaks off in the middle of an entry (${plural(cut, 'byte')}): its writer was killed.`,
    detail,
  }
})

/** The record has an end. Not asked of a drill that is still running. */
export const endedRecord = defineGate('ended', ({ timeline }) => {
  if (timeline.ended) return { verdict: 'pass', summary: 'The record tells how the drill ended.' }
  return { verdict: 'inconclusive', summary: 'The record has no end: the runner died.' }
})
