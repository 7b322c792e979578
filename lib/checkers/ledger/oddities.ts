import { SightFlag } from '../../history/index.ts'
import { Exceptions, type TupleFact } from './exceptions.ts'
import type { Recovery } from './recoveries.ts'

/** What was odd about sights. */
export class Oddities {
  readonly duplicated = new Exceptions<TupleFact>()
  readonly corrupt = new Exceptions<TupleFact>()
  readonly unparsable = new Exceptions<TupleFact>()
  readonly foreign = new Exceptions<TupleFact>()
  readonly altered = new Exceptions<TupleFact>()
  readonly phantom = new Exceptions<TupleFact>()
  readonly late = new Exceptions<TupleFact>()
  /** Infinite where the contract sets no limit. */
  readonly lateAfterMs: number

  constructor(lateAfterMs: number | undefined) {
    this.lateAfterMs = lateAfterMs ?? Number.POSITIVE_INFINITY
  }

  /** Counts what the tap found wrong with a sight; true if its number can be used all the same. */
  flagged(flags: number, fact: TupleFact): boolean {
    if (flags & SightFlag.foreign) {
      this.foreign.add(() => ({ ...fact, note: 'not of this drill' }))
      return false
    }
    if (flags & SightFlag.unparsable) {
      this.unparsable.add(() => ({ ...fact, note: 'could not be read as a tuple' }))
      return false
    }
    this.corrupt.add(() => ({ ...fact, note: 'its checksum does not match' }))
    return true
  }

  /** True if an outage explains that a tuple of this home, sent then, was late. */
  excused(home: 0 | 1, sentAt: number, recoveries: readonly Recovery[]): boolean {
    return recoveries.some(
      ({ outage, latest }) =>
        outage.dc === home &&
        sentAt >= outage.at.earliest - this.lateAfterMs &&
        sentAt <= Math.max(latest, outage.at.latest),
    )
  }
}
