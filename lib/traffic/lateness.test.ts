import fc from 'fast-check'
import { expect, it } from 'vitest'
import { histogram } from './lateness.ts'
import { seenSet } from './seen-set.ts'

it('a histogram gives quantiles that are right to a few percent', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.02, max: 50_000, noNaN: true }), { minLength: 1, maxLength: 500 }),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (values, q) => {
        const times = histogram()
        for (const value of values) times.add(value)
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(q * values.length) - 1] ?? 0
        expect(times.quantile(q)).toBeGreaterThan(exact * 0.95)
        expect(times.quantile(q)).toBeLessThan(exact * 1.05)
        expect(times.max).toBe(Math.max(...values))
      },
    ),
  )
})

it('a histogram without values is all zeros', () => {
  const times = histogram()
  times.add(5)
  times.reset()
  expect([times.count, times.mean, times.summary()]).toEqual([0, 0, { p50: 0, p99: 0, max: 0 }])
})

it('a set of numbers says what is new, at any size', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 100_000 })), (numbers) => {
      const set = seenSet()
      const model = new Set<number>()
      for (const number of numbers) {
        expect(set.add(number)).toBe(!model.has(number))
        model.add(number)
      }
    }),
  )
  expect(seenSet().add(2 ** 40)).toBe(false)
})
