import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeApplicationState,
  decodeHeartbeatMessage,
  encodeApplicationState,
  encodeHeartbeatMessage,
  heartbeatMessage,
  MESSAGE_TYPE,
  WireError,
} from './index.ts'

const messages = fc.record({
  heartbeatMsgType: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  heartbeatCnt: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  dataCenterOrigin: fc.string({ unit: 'grapheme', maxLength: 300 }),
  dataSnapshot: fc.uint8Array({ maxLength: 500 }),
  dataSnapshotOrigin: fc.string({ unit: 'grapheme', maxLength: 300 }),
})

describe('the wire encoding of messages', () => {
  it('is the documented one, byte for byte', () => {
    const bytes = encodeHeartbeatMessage(
      heartbeatMessage({ heartbeatMsgType: MESSAGE_TYPE.heartbeat, heartbeatCnt: 258n, dataCenterOrigin: 'dc1' }),
    )
    expect(Buffer.from(bytes).toString('hex')).toBe(
      ['01000000', '0201000000000000', '03' + '646331', '0000000000000000', '00'].join(''),
    )
  })

  it('marks strings of 128 bytes and more', () => {
    const bytes = encodeHeartbeatMessage(heartbeatMessage({ dataCenterOrigin: 'x'.repeat(128) }))
    expect(Buffer.from(bytes.subarray(12, 18)).toString('hex')).toBe('8080000000' + '78')
  })

  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeHeartbeatMessage(encodeHeartbeatMessage(message))).toEqual(message)
      }),
    )
  })

  it('refuses every cut and every addition with a typed error', () => {
    fc.assert(
      fc.property(messages, fc.nat(), (message, at) => {
        const bytes = encodeHeartbeatMessage(message)
        const cut = bytes.subarray(0, at % bytes.length)
        expect(() => decodeHeartbeatMessage(cut)).toThrow(WireError)
        expect(() => decodeHeartbeatMessage(Buffer.concat([bytes, Uint8Array.of(0)]))).toThrow(WireError)
      }),
    )
  })

  it('answers arbitrary bytes with a message or a typed error, never with anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeHeartbeatMessage(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })

  it('does not believe a length that no memory could hold', () => {
    const bytes = Buffer.from(encodeHeartbeatMessage(heartbeatMessage({})))
    bytes.writeBigUInt64LE(2n ** 63n, 13)
    expect(() => decodeHeartbeatMessage(bytes)).toThrow(/dataSnapshot: 9223372036854775808 wanted, 1 left/)
  })
})

describe('the state blob of the lab application', () => {
  it('gives back what was encoded', () => {
    const counts = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
    const entry = fc.record({
      home: fc.constantFrom('east', 'west'),
      count: counts,
      sum: fc.maxSafeInteger(),
      lastSeq: counts,
    })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), entry)), (entries) => {
        const state = new Map(entries)
        expect(decodeApplicationState(encodeApplicationState(state))).toEqual(state)
      }),
    )
  })

  it('refuses bytes that are something else', () => {
    expect(() => decodeApplicationState(Uint8Array.of(1, 0, 0, 0))).toThrow(WireError)
    const huge = encodeApplicationState(new Map([['k', { home: 'east', count: 1, sum: 1, lastSeq: 1 }]]))
    huge.fill(0x7f, huge.length - 8)
    expect(() => decodeApplicationState(huge)).toThrow(/cannot be counted with/)
  })
})
