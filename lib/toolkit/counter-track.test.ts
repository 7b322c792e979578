import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CounterTrack } from './counter-track.ts'
import type { CounterSample } from './sample.ts'

const sample = (value: number, collection: string, life = 'a'): CounterSample => ({ value, collection, life })

it('bounds a change by the poll before the collection that last denied it', () => {
  const track = new CounterTrack()
  expect(track.observe(sample(1, 'c1'), 10, 11)).toMatchObject({ initial: true, at: { earliest: 10, latest: 11 } })
  expect(track.observe(sample(1, 'c2'), 20, 21)).toBeUndefined()
  expect(track.observe(sample(1, 'c2'), 30, 31)).toBeUndefined()
  // c2 was first returned by the poll asked at 20, so it was taken after the one before, asked at 10.
  expect(track.observe(sample(3, 'c3'), 40, 41)).toEqual({
    at: { earliest: 10, latest: 41 },
    from: 1,
    to: 3,
    relaunched: false,
    initial: false,
  })
  expect(track.observe(sample(4, 'c4'), 50, 51)).toMatchObject({ at: { earliest: 30, latest: 51 } })
})

it.each([
  ['another life', sample(5, 'c3', 'b')],
  ['a smaller value', sample(0, 'c3')],
])('takes %s for a relaunch, which begins at 0', (_, next) => {
  const track = new CounterTrack()
  track.observe(sample(3, 'c1'), 10, 11)
  track.observe(sample(3, 'c2'), 20, 21)
  expect(track.observe(next, 30, 31)).toEqual({
    at: { earliest: 10, latest: 31 },
    from: undefined,
    to: next.value,
    relaunched: true,
    initial: false,
  })
})

it('holds the true time of every change, however the server collects and caches', () => {
  const schedule = fc.record({
    collections: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 5, maxLength: 60 }),
    polls: fc.array(
      fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 })),
      {
        minLength: 5,
        maxLength: 60,
      },
    ),
    changes: fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 10 }),
    relaunch: fc.option(fc.integer({ min: 0, max: 2000 })),
  })
  fc.assert(
    fc.property(schedule, ({ collections, polls, changes, relaunch }) => {
      const sorted = [...changes].sort((a, b) => a - b)
      const taken = collections.reduce<number[]>((times, gap) => [...times, (times.at(-1) ?? -1) + gap], [])
      const track = new CounterTrack()
      let time = 0
      for (const [gap, toServer, back] of polls) {
        const asked = time + gap
        const served = asked + toServer
        time = served + back
        const collection = taken.findLast((at) => at <= served)
        if (collection === undefined) continue
        const life = relaunch !== null && relaunch <= collection ? 'b' : 'a'
        const from = life === 'b' ? (relaunch ?? 0) : 0
        const value = sorted.filter((at) => at > from && at <= collection).length
        const change = track.observe({ value, life, collection: String(collection) }, asked, time)
        if (!change || change.initial) continue
        const { at } = change
        const inside = change.relaunched
          ? [relaunch ?? 0]
          : sorted.filter((one) => one > from).slice(change.from ?? 0, change.to)
        for (const truth of inside) {
          expect(truth).toBeGreaterThanOrEqual(at.earliest)
          expect(truth).toBeLessThanOrEqual(at.latest)
        }
      }
    }),
    { numRuns: 500 },
  )
})
