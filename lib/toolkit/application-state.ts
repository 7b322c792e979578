import { WireError, WireReader, WireWriter } from './wire.ts'

/** What the lab's application keeps per key. */
export interface KeyState {
  /** Data centre whose work the key is. */
  home: string
  /** Tuples of the key so far. */
  count: number
  /** Sum of their `value`. */
  sum: number
  /** `seq` of the last one. */
  lastSeq: number
}

/**
 * The state as a snapshot blob: what `serializeDataItem` makes of an SPL `map<rstring, tuple<rstring home, int64 count, int64 sum,
 * int64 lastSeq>>` (size as uint32, then the entries).
 */
export function encodeApplicationState(state: ReadonlyMap<string, Readonly<KeyState>>): Uint8Array {
  const writer = new WireWriter().uint32(state.size)
  for (const [key, { home, count, sum, lastSeq }] of state) {
    writer.rstring(key).rstring(home).int64(BigInt(count)).int64(BigInt(sum)).int64(BigInt(lastSeq))
  }
  return writer.bytes()
}

/**
 * Reads {@link encodeApplicationState}.
 * @throws WireError for bytes that are something else
 */
export function decodeApplicationState(bytes: Uint8Array): Map<string, KeyState> {
  const reader = new WireReader(bytes)
  const size = reader.uint32('size')
  const state = new Map<string, KeyState>()
  for (let i = 0; i < size; i++) {
    const key = reader.rstring('key')
    state.set(key, {
      home: reader.rstring('home'),
      count: safe(reader.int64('count'), 'count'),
      sum: safe(reader.int64('sum'), 'sum'),
      lastSeq: safe(reader.int64('lastSeq'), 'lastSeq'),
    })
  }
  reader.end()
  return state
}

function safe(value: bigint, what: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new WireError(`${what} ${value} cannot be counted with here.`, 0)
  return number
}
