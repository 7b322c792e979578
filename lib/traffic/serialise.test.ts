import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SightFlag, UNKNOWN_KEY } from '../history/index.ts'
import { keyGenerator, payloadPool } from './generator.ts'
import { counterSchema, defineSchema } from './schema.ts'
import { requestBody, tupleMaker, type Tuple } from './serialise.ts'
import { sightReader } from './sight-reader.ts'

const entry = { key: 'east-0-abc', home: 'east' } as const
const make = tupleMaker(counterSchema.fields)
const known = new Map([[entry.key, { entry, index: 3 }]])
const read = sightReader(counterSchema.fields, counterSchema.results, known)

const content = fc.record({
  keySeq: fc.integer({ min: 1, max: 0xffffffff }),
  value: fc.maxSafeInteger(),
  payload: fc.string({ unit: 'binary' }),
  more: fc.constant(''),
})

function itemsOf(tuples: readonly Tuple[], sentAt: number): Record<string, unknown>[] {
  return (JSON.parse(requestBody('items', tuples, sentAt).toString()) as { items: Record<string, unknown>[] }).items
}

describe('a tuple', () => {
  it('is JSON with all its marks, whatever is in it', () => {
    fc.assert(
      fc.property(fc.nat(), content, fc.double({ min: 0, max: 1e12, noNaN: true }), (seq, inside, sentAt) => {
        const [item] = itemsOf([make(seq, { index: 3, entry }, inside)], sentAt)
        const { keySeq, value, payload } = inside
        const checksum = crc32(`${seq}|${entry.key}|${entry.home}|${keySeq}|${value}|${payload}`)
        expect(item).toEqual({ seq, ...entry, keySeq, value, sentAt, payload, checksum })
      }),
    )
  })

  it('that comes back is recognised, and any change of it is noticed', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        content,
        fc.constantFrom('seq', 'keySeq', 'value', 'payload', 'home'),
        (seq, inside, field) => {
          const [item = {}] = itemsOf([make(seq, { index: 3, entry }, inside)], 1)
          const out = { ...item, count: 5, sum: -7, dc: 'east' }
          const { keySeq, value } = inside
          expect(read(out)).toEqual({ seq, key: 3, keySeq, value, count: 5, sum: -7, flags: 0, sentAt: 1 })
          const other = typeof item[field] === 'number' ? Number(item[field]) - 1 : `${String(item[field])}x`
          expect(read({ ...out, [field]: other }).flags).not.toBe(0)
        },
      ),
    )
  })

  it('that is none is unparsable, and one of others is foreign', () => {
    for (const item of [null, 5, 'x', [], {}, { seq: 'one' }]) {
      const { flags, key } = read(item)
      expect(flags & SightFlag.unparsable).toBeTruthy()
      expect(key).toBe(UNKNOWN_KEY)
    }
    const [item = {}] = itemsOf(
      [make(1, { index: 0, entry: { key: 'other', home: 'east' } }, { keySeq: 1, value: 1, payload: '', more: '' })],
      1,
    )
    expect(read({ ...item, count: 1, sum: 1 }).flags).toBe(SightFlag.foreign)
  })
})

describe('a generator', () => {
  const generator = (seed: number, place: number) =>
    keyGenerator({ entry, index: 0, place, seed, payloadBytes: 30, pool: payloadPool(seed) })

  it('gives the same from the same seed, and other things for other keys', () => {
    const take = (seed: number, place: number) => {
      const one = generator(seed, place)
      return Array.from({ length: 20 }, () => one.next())
    }
    expect(take(5, 0)).toEqual(take(5, 0))
    expect(take(5, 0)).not.toEqual(take(5, 1))
    expect(take(5, 0)).not.toEqual(take(6, 0))
    expect(take(5, 0).map(({ keySeq }) => keySeq)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(take(5, 0).every(({ payload }) => payload.length === 30)).toBe(true)
  })

  it('pads beyond the size of its pool', () => {
    const pool = payloadPool(1)
    const big = keyGenerator({ entry, index: 0, place: 0, seed: 1, payloadBytes: 100_000, pool }).next()
    expect(big.payload).toHaveLength(100_000)
  })
})

describe('a schema', () => {
  it('uses each name once, and only names that SPL has', () => {
    const fields = { seq: 'a', key: 'b', home: 'c', keySeq: 'd', sentAt: 'e', value: 'f' }
    expect(() => defineSchema({ name: 'x', fields: { ...fields, value: 'a' }, results: {} })).toThrow('used for two')
    expect(() => defineSchema({ name: 'x', fields: { ...fields, value: 'a-b' }, results: {} })).toThrow(
      'no attribute name',
    )
    expect(Object.isFrozen(defineSchema({ name: 'x', fields, results: {} }).fields)).toBe(true)
  })

  it('of one with its own names works without payload and checksum', () => {
    const schema = defineSchema({
      name: 'x',
      fields: { seq: 'a', key: 'b', home: 'c', keySeq: 'd', sentAt: 'e', value: 'f' },
      results: { count: 'n' },
    })
    const tuple = tupleMaker(schema.fields)(
      9,
      { index: 3, entry },
      { keySeq: 2, value: 4, payload: 'p', more: ',"z":[1]' },
    )
    const [item = {}] = itemsOf([tuple], 1.5)
    expect(item).toEqual({ a: 9, b: entry.key, c: 'east', d: 2, e: 1.5, f: 4, z: [1] })
    const back = sightReader(schema.fields, schema.results, known)
    expect(back({ ...item, n: 1 })).toMatchObject({ seq: 9, key: 3, keySeq: 2, value: 4, count: 1, flags: 0 })
    expect(back({ ...item, n: 1, c: 'west' }).flags).toBe(SightFlag.corrupt)
  })
})
