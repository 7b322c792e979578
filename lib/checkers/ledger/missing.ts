import { OutcomeCode } from '../../history/index.ts'
import type { OutageFact } from '../timeline.ts'
import { Exceptions } from './exceptions.ts'
import type { Ledger, MissingTuple, UnknownReason } from './ledger.ts'
import type { Attempt, Pending } from './pending.ts'
import type { Tap } from './taps.ts'

/**
 * Tells lost tuples from those whose fate nobody can know. An acknowledged tuple that no tap showed is lost, unless
 * - the tap of a data centre that acknowledged it dropped tuples unread while the tuple may have been in its buffer (overrun);
 * - every tap looked last less than the settling time after the acknowledgement (in flight);
 * - that tap never looked again once the tuple had settled, although the data centre is not known to have failed, or it had not
 *   looked for longer than that when the data centre failed (blind tap).
 */
export function judgeMissing(
  missing: readonly Pending[],
  taps: readonly [Tap, Tap],
  outages: readonly OutageFact[],
  settleMs: number,
): Pick<Ledger, 'lost' | 'lostAt' | 'unknown' | 'unknownBy'> {
  const lost = new Exceptions<MissingTuple>()
  const unknown = new Exceptions<MissingTuple>()
  const unknownBy: Record<UnknownReason, number> = { overrun: 0, 'in-flight': 0, 'blind-tap': 0 }
  const lastLook = Math.max(taps[0].lastAsked, taps[1].lastAsked)
  const lostAt: number[] = []
  for (const tuple of [...missing].sort((a, b) => a.seq - b.seq)) {
    const accepted = tuple.attempts.filter(({ outcome }) => outcome === OutcomeCode.acknowledged)
    const first = accepted[0]
    if (!first) continue
    const reason = whyUnknown(accepted, taps, outages, settleMs, lastLook)
    if (reason) {
      unknownBy[reason]++
      unknown.add(() => describe(tuple, first, noteOf[reason]))
    } else {
      lostAt.push(first.sentAt)
      lost.add(() => describe(tuple, first, 'acknowledged, and seen at no tap'))
    }
  }
  return { lost, lostAt: lostAt.sort((a, b) => a - b), unknown, unknownBy }
}

const noteOf: Record<UnknownReason, string> = {
  overrun: 'the tap dropped tuples unread at that time',
  'in-flight': 'acknowledged too shortly before the last look at any tap',
  'blind-tap': 'the tap of its data centre was not read after it was acknowledged',
}

function whyUnknown(
  accepted: readonly Attempt[],
  taps: readonly [Tap, Tap],
  outages: readonly OutageFact[],
  settleMs: number,
  lastLook: number,
): UnknownReason | undefined {
  for (const { dc, sentAt, doneAt } of accepted) {
    const tap = taps[dc]
    if (tap.mayHaveDropped(sentAt, doneAt + settleMs)) return 'overrun'
    if (doneAt > lastLook - settleMs) return 'in-flight'
    const failed = outages.find((outage) => outage.dc === dc && outage.at.latest >= sentAt)
    if (failed) {
      const look = tap.lastLookBefore(failed.at.earliest)
      if (failed.at.earliest - look > settleMs && doneAt > look - settleMs) return 'blind-tap'
    } else if (doneAt > tap.lastAsked - settleMs) {
      return 'blind-tap'
    }
  }
  return undefined
}

function describe(tuple: Pending, attempt: Attempt, note: string): MissingTuple {
  return {
    seq: tuple.seq,
    key: tuple.key,
    dc: attempt.dc,
    sentAt: attempt.sentAt,
    acknowledgedAt: attempt.doneAt,
    file: 'sends',
    record: attempt.send,
    note,
  }
}
