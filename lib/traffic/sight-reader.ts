import { SightFlag, UNKNOWN_KEY, type KeyEntry, type SightRecord } from '../history/tuple-log.ts'
import type { MarkFields, ResultFields } from './schema.ts'
import { checksum } from './serialise.ts'

/** A tuple as a tap saw it. */
export interface Sighting extends SightRecord {
  /** When it says it was sent; 0 if it does not say. */
  readonly sentAt: number
}

/** A key that a tap may see. */
export interface KnownKey {
  readonly entry: KeyEntry
  readonly index: number
}

/** A function that reads an item of a tap's answer, whatever it is. */
export function sightReader(
  fields: MarkFields,
  results: ResultFields,
  known: ReadonlyMap<string, KnownKey>,
): (item: unknown) => Sighting {
  return (item) => {
    if (typeof item !== 'object' || item === null) return unreadable
    const tuple = item as Readonly<Record<string, unknown>>
    let flags = 0
    const whole = (name: string | undefined): number => {
      if (name === undefined) return 0
      const value = tuple[name]
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value
      flags |= SightFlag.unparsable
      return 0
    }
    const seq = whole(fields.seq)
    const keySeq = whole(fields.keySeq)
    const value = whole(fields.value)
    const count = whole(results.count)
    const sum = whole(results.sum)
    const keyName = tuple[fields.key]
    const home = tuple[fields.home]
    if (typeof keyName !== 'string' || typeof home !== 'string') flags |= SightFlag.unparsable
    const key = typeof keyName === 'string' ? known.get(keyName) : undefined
    if (!key) flags |= SightFlag.foreign
    if (fields.checksum !== undefined) {
      const payload = fields.payload === undefined ? '' : tuple[fields.payload]
      const right =
        typeof keyName === 'string' &&
        typeof home === 'string' &&
        typeof payload === 'string' &&
        checksum(seq, keyName, home, keySeq, value, payload) === tuple[fields.checksum]
      if (!right) flags |= SightFlag.corrupt
    } else if (key && key.entry.home !== home) flags |= SightFlag.corrupt
    const sentAt = tuple[fields.sentAt]
    return {
      seq: Math.max(0, seq),
      key: key?.index ?? UNKNOWN_KEY,
      keySeq: keySeq >= 0 && keySeq <= 0xffffffff ? keySeq : 0,
      value,
      count,
      sum,
      flags,
      sentAt: typeof sentAt === 'number' ? sentAt : 0,
    }
  }
}

const unreadable: Sighting = {
  seq: 0,
  key: UNKNOWN_KEY,
  keySeq: 0,
  value: 0,
  count: 0,
  sum: 0,
  flags: SightFlag.unparsable | SightFlag.foreign,
  sentAt: 0,
}
