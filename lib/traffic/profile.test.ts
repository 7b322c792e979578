import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { burst, checkedProfile, constant, planned, ramp, step, type LoadProfile } from './profile.ts'

const seconds = fc.integer({ min: 1, max: 20 }).map((n) => `${n}s` as const)
const factor = fc.double({ min: 0, max: 5, noNaN: true })
const profiles: fc.Arbitrary<LoadProfile> = fc.oneof(
  fc.constant(constant),
  fc.tuple(factor, factor, seconds).map(([from, to, over]) => ramp(from, to, over)),
  fc.tuple(factor, seconds).map(([peak, every]) => burst({ peak, every, length: '500ms' })),
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 30 }), factor), { maxLength: 5 })
    .map((steps) =>
      step(...steps.sort((a, b) => a[0] - b[0]).map(([at, f]) => ({ at: `${at}s` as const, factor: f }))),
    ),
)

describe('a load profile', () => {
  it('never takes back what was due, and begins with nothing', () => {
    fc.assert(
      fc.property(profiles, fc.array(fc.integer({ min: 0, max: 60_000 })), (profile, times) => {
        expect(planned(profile, 0)).toBeCloseTo(0)
        const values = times.sort((a, b) => a - b).map((time) => planned(profile, time))
        for (const [index, value] of values.entries())
          expect(value).toBeGreaterThanOrEqual((values[index - 1] ?? 0) - 1e-9)
      }),
    )
  })

  it('is due what its factors add up to', () => {
    expect(planned(constant, 2500)).toBeCloseTo(2.5)
    expect(planned(ramp(0, 2, '10s'), 10_000)).toBeCloseTo(10)
    expect(planned(ramp(0, 2, '10s'), 12_000)).toBeCloseTo(14)
    expect(planned(burst({ peak: 10, every: '5s', length: '1s' }), 5000)).toBeCloseTo(14)
    expect(planned(burst({ peak: 10, every: '5s', length: '1s' }), 4500)).toBeCloseTo(9)
    expect(planned(step({ at: '2s', factor: 3 }, { at: '4s', factor: 0 }), 6000)).toBeCloseTo(8)
  })

  it('that makes no sense is refused', () => {
    expect(() => checkedProfile(ramp(-1, 2, '1s'))).toThrow('factor below 0')
    expect(() => checkedProfile(burst({ peak: 2, every: '1s', length: '2s' }))).toThrow('does not fit')
    expect(() => checkedProfile(step({ at: '2s', factor: 1 }, { at: '1s', factor: 1 }))).toThrow('out of order')
  })
})
