import { OutcomeCode } from '../../history/index.ts'
import { Exceptions, type TupleFact } from './exceptions.ts'
import { State } from './pages.ts'
import { answerOf, type Pending } from './pending.ts'

/** What became of tuples, in numbers and exceptions. */
export class Fates {
  acknowledged = 0
  refused = 0
  indeterminate = 0
  /** Processed by both data centres, where sending twice does not explain it. */
  readonly dual = new Exceptions<TupleFact>()
  /** Processed by both data centres after the first had left its sender without an answer. */
  resentTwice = 0
  /** Refused by a data centre that processed it all the same. */
  readonly refusedSeen = new Exceptions<TupleFact>()
  /** Acknowledged and not seen. */
  readonly missing: Pending[] = []

  /** A tuple of which nothing is left in memory but that it was there. */
  static lateFact(seq: number, dc: 0 | 1, note: string): TupleFact {
    return { seq, key: -1, dc, file: 'sights', record: -1, note }
  }

  /** Counts a tuple whose attempts are settled as far as they ever will be. */
  count(pending: Pending): void {
    const { acknowledged, refused } = answerOf(pending)
    const fact = (note: string): TupleFact => factOf(pending, note)
    if (acknowledged) this.acknowledged++
    else if (!refused) this.indeterminate++
    if (pending.seen === 0) {
      if (refused) this.refused++
      if (acknowledged) this.missing.push(pending)
      return
    }
    for (const dc of [0, 1] as const) {
      const own = pending.attempts.filter((attempt) => attempt.dc === dc)
      if ((pending.seen & (dc === 0 ? State.east : State.west)) === 0 || own.length === 0) continue
      if (own.every(({ outcome }) => outcome === OutcomeCode.refused)) {
        this.refusedSeen.add(() => fact('processed by a data centre that had refused it'))
      }
    }
    if (pending.seen !== (State.east | State.west)) return
    const sentTo = new Set(pending.attempts.map(({ dc }) => dc))
    const unanswered = pending.attempts.some(
      ({ outcome }) => outcome !== OutcomeCode.acknowledged && outcome !== OutcomeCode.refused,
    )
    if (sentTo.size > 1 && unanswered) this.resentTwice++
    else this.dual.add(() => fact('processed by both data centres'))
  }
}

function factOf(pending: Pending, note: string): TupleFact {
  const attempt = pending.attempts[0]
  return {
    seq: pending.seq,
    key: pending.key,
    dc: attempt?.dc ?? 0,
    sentAt: attempt?.sentAt ?? 0,
    file: 'sends',
    record: attempt?.send ?? 0,
    note,
  }
}
