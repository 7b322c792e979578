import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../../core/index.ts'
import { judgePackets, judgeWhole, type PacketFigures } from './confirm-packets.ts'
import { binomialBounds, isRateKept, judgeRise, judgeShare, packetsFor, spreadOf } from './tolerance.ts'

describe('bounds of chance', () => {
  it('are those of the binomial distribution', () => {
    // Of 100 tosses of a fair coin 95 % lie between 40 and 60 (tables: 0.0284 outside on both sides together with 39 and 61).
    expect(binomialBounds(100, { lower: 0.5, upper: 0.5 }, 0.95)).toEqual({ lower: 40, upper: 60 })
    expect(binomialBounds(50, { lower: 1, upper: 1 })).toEqual({ lower: 50, upper: 50 })
    expect(binomialBounds(50, { lower: 0, upper: 0 })).toEqual({ lower: 0, upper: 0 })
    expect(binomialBounds(200_000, { lower: 0.001, upper: 0.001 })).toEqual({ lower: 155, upper: 248 })
  })

  it('let nearly all pass that chance makes, and refuse half and twice the share', () => {
    const random = seeded(7)
    const percent = 5
    const n = packetsFor(percent) * 2
    const verdicts = Array.from({ length: 400 }, () => {
      const hits = Array.from({ length: n }).filter(() => random.next() < percent / 100).length
      return judgeShare({ n, hits }, percent).plausible
    })
    expect(verdicts.filter((plausible) => !plausible).length).toBeLessThanOrEqual(3)
    expect(judgeShare({ n: 1000, hits: 50 }, percent).plausible).toBe(true)
    expect(judgeShare({ n: 1000, hits: 25 }, percent).plausible).toBe(false)
    expect(judgeShare({ n: 1000, hits: 100 }, percent).plausible).toBe(false)
    expect(judgeShare({ n: 1000, hits: 0 }, percent).plausible).toBe(false)
  })

  it('pass nothing where too little was sent', () => {
    expect(judgeShare({ n: 50, hits: 2 }, 5)).toMatchObject({ plausible: false, tooFew: true })
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 100, noNaN: true }), (percent) => {
        const n = packetsFor(percent)
        expect(judgeShare({ n, hits: Math.round((n * percent) / 100) }, percent).plausible).toBe(true)
        expect(judgeShare({ n, hits: 0 }, percent).plausible).toBe(false)
      }),
      { numRuns: 200 },
    )
  })
})

const clean: PacketFigures = {
  packets: 2000,
  dropped: 0,
  reordered: 0,
  retransmitted: 0,
  corrupted: 0,
  cameTwice: 0,
  overtook: 0,
}

describe('the figures of a sending host', () => {
  it.each([
    [
      'loss',
      { lossPercent: 5 },
      { dropped: 98, retransmitted: 60 },
      { dropped: 0, retransmitted: 60 },
      /0 of 2000 packets were lost, and 5 % makes/,
    ],
    [
      'a loss that nobody misses',
      { lossPercent: 5 },
      { dropped: 98, retransmitted: 60 },
      { dropped: 98 },
      /nothing was sent again/,
    ],
    [
      'a greater loss',
      { lossPercent: 5 },
      { dropped: 98, retransmitted: 60 },
      { dropped: 180, retransmitted: 90 },
      /180 of 2000/,
    ],
    [
      'corruption',
      { corruptPercent: 5 },
      { corrupted: 80 },
      { corrupted: 9 },
      /9 of 2000 packets were noticed to be corrupted/,
    ],
    [
      'duplication',
      { duplicatePercent: 10 },
      { cameTwice: 130 },
      { cameTwice: 2 },
      /2 of 2000 packets were noticed to come twice/,
    ],
    [
      'reordering',
      { reorderPercent: 20 },
      { reordered: 400, overtook: 300 },
      { reordered: 400 },
      /nothing came before an earlier/,
    ],
    [
      'other reordering',
      { reorderPercent: 20 },
      { reordered: 400, overtook: 300 },
      { reordered: 40, overtook: 30 },
      /40 of 2000/,
    ],
  ] as const)('show %s, and planted wrong ones do not', (_name, impairment, right, wrong, problem) => {
    expect(judgePackets({ ...clean, ...right }, impairment)).toEqual([])
    expect(judgePackets({ ...clean, ...wrong }, impairment).join()).toMatch(problem)
    expect(judgePackets({ ...clean, ...right, packets: 60 }, impairment)).not.toEqual([])
  })

  it('show that it is gone, and planted ones that it is not', () => {
    const whole = { ...clean, requests: 500 }
    const impairment = { lossPercent: 5, corruptPercent: 5, duplicatePercent: 5, reorderPercent: 5 }
    expect(judgeWhole(whole, impairment)).toEqual([])
    expect(judgeWhole({ ...whole, retransmitted: 3 }, impairment)).toEqual([])
    expect(
      judgeWhole({ ...whole, retransmitted: 90, corrupted: 60, cameTwice: 70, overtook: 60 }, impairment),
    ).toHaveLength(4)
  })
})

describe('round trips', () => {
  const before = spreadOf([1, 1, 2, 2, 3])
  const expected = { delayMs: 100, jitterMs: 40, directions: 2 } as const
  const during = (values: readonly number[]) => judgeRise(before, spreadOf(values), expected, 20)
  const jittered = Array.from({ length: 20 }, (_, i) => 204 + i * 4)

  it('have grown by the delay and the jitter of both directions', () => {
    expect(during(jittered)).toBeUndefined()
    expect(spreadOf(jittered)).toEqual({ median: 244, p10: 212, p90: 276, count: 20 })
  })

  it.each([
    ['nothing', [2, 2, 3], /grew by 0ms, not by 180ms to 328ms/],
    ['one direction alone', jittered.map((ms) => ms / 2), /not by 180ms/],
    ['far more', jittered.map((ms) => ms + 200), /grew by 442ms/],
    ['a delay without jitter', jittered.map(() => 240), /vary by 0ms, less than the 16ms/],
    ['a wild one', [...jittered, 900, 950, 990, 1000, 1100], /more than the .* that the jitter explains/],
  ])('that grew by %s are refused', (_name, values, problem) => {
    expect(during(values)).toMatch(problem)
  })
})

describe('a rate', () => {
  it('is kept within 15 %', () => {
    expect([850_001, 1_000_000, 1_149_999].map((rate) => isRateKept(rate, 1_000_000))).toEqual([true, true, true])
    expect([0, 840_000, 1_160_000, 2_000_000].some((rate) => isRateKept(rate, 1_000_000))).toBe(false)
  })
})
