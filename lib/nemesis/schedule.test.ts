import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigurationError, toMs, type Duration } from '../core/index.ts'
import { latency, peHang, peKill } from '../faults/index.ts'
import { random, type RandomOptions } from './random.ts'
import {
  describeSchedule,
  hold,
  holdsOf,
  parallel,
  pause,
  peakOf,
  ramp,
  repeat,
  sequence,
  type Schedule,
} from './schedule.ts'

const kill = hold(peKill('east', { operator: 'Logic' }), { for: '1s' })
const hang = hold(peHang('west', { operator: 'Logic' }), { for: '500ms' })
const slow = (ms: number) => latency('east', 'west', { delay: `${ms}ms` })

describe('a schedule', () => {
  it('reads as it is carried out, each part with its place', () => {
    const taken = hold(peHang('east', { operator: 'Sink' }), {
      until: () => Promise.resolve(),
      describe: 'the survivor has taken over',
    })
    const schedule = sequence(kill, pause({ for: '2s' }), parallel(sequence(hang, kill), taken))
    expect(describeSchedule(schedule)).toMatchInlineSnapshot(`
      "one after the other:
      1 pe-kill on east/Logic for 1s, by {"dc":"east","pe":{"operator":"Logic"}}
      2 nothing for 2s
      3 side by side:
        3.1 one after the other:
          3.1.1 pe-hang on west/Logic for 500ms, by {"dc":"west","pe":{"operator":"Logic"}}
          3.1.2 pe-kill on east/Logic for 1s, by {"dc":"east","pe":{"operator":"Logic"}}
        3.2 pe-hang on east/Sink until the survivor has taken over, by {"dc":"east","pe":{"operator":"Sink"}}"
    `)
    expect(describeSchedule(kill)).toMatch(/^pe-kill on east\/Logic for 1s, by {.*}$/)
  })

  it('knows where its faults stand, and how many are on at a time', () => {
    const schedule = sequence(kill, parallel(kill, sequence(hang, parallel(kill, hang)), pause({ for: '1s' })), hang)
    expect(holdsOf(schedule).map(({ place, beside }) => [place, beside])).toEqual([
      ['1', 0],
      ['2.1', 2],
      ['2.2.1', 1],
      ['2.2.2.1', 2],
      ['2.2.2.2', 2],
      ['3', 0],
    ])
    expect(peakOf(schedule)).toBe(3)
    expect(peakOf(pause({ for: '1s' }))).toBe(0)
    expect(holdsOf(kill)).toMatchObject([{ place: '1', beside: 0 }])
  })

  it('repeats the same, or a little different each time, with pauses between', () => {
    expect(describeSchedule(repeat(3, kill, { pause: '2s' }))).toMatchInlineSnapshot(`
      "one after the other:
      1 pe-kill on east/Logic for 1s, by {"dc":"east","pe":{"operator":"Logic"}}
      2 nothing for 2s
      3 pe-kill on east/Logic for 1s, by {"dc":"east","pe":{"operator":"Logic"}}
      4 nothing for 2s
      5 pe-kill on east/Logic for 1s, by {"dc":"east","pe":{"operator":"Logic"}}"
    `)
    const growing = repeat(2, (round) => hold(slow(round * 10), { for: '1s' }))
    expect(growing.steps.map((step) => step.kind === 'hold' && step.fault.params)).toMatchObject([
      { delay: '10ms' },
      { delay: '20ms' },
    ])
  })

  it.each([
    [10, 50, 3, [10, 30, 50]],
    [0.1, 0.3, 3, [0.1, 0.2, 0.3]],
    [40, 10, 4, [40, 30, 20, 10]],
    [1, 2, 2, [1, 2]],
  ])('grows or fades from %f to %f in %i levels', (from, to, levels, wanted) => {
    const seen: number[] = []
    const fault = (level: number) => {
      seen.push(level)
      return slow(level)
    }
    expect(ramp({ from, to, levels, each: { for: '1s' }, fault }).steps).toHaveLength(levels)
    expect(seen).toEqual(wanted)
  })

  const chance: RandomOptions = { seed: 1, faults: [() => slow(1)], rounds: 1, hold: ['1s', '2s'], pause: ['0s', '1s'] }
  it.each<[string, () => Schedule, RegExp]>([
    ['a length that is none', () => hold(slow(1), { for: '1 s' as Duration }), /"1 s" is not a duration/],
    ['a pause that is none', () => pause({ for: '' as Duration }), /is not a duration/],
    ['a sequence of nothing', () => sequence(), /A sequence of nothing .* at least one part/],
    ['a parallel of nothing', () => parallel(), /A parallel of nothing/],
    ['no times', () => repeat(0, kill), /number of times is 0\. Give a whole number from 1 on/],
    ['half a time', () => repeat(1.5, kill), /number of times is 1\.5/],
    [
      'one level',
      () => ramp({ from: 1, to: 2, levels: 1, each: { for: '1s' }, fault: slow }),
      /levels is 1\. .* from 2 on/,
    ],
    [
      'no range',
      () => ramp({ from: 1, to: NaN, levels: 2, each: { for: '1s' }, fault: slow }),
      /from 1 to NaN is no range/,
    ],
    ['no faults', () => random({ ...chance, faults: [] }), /no faults to choose from/],
    ['no rounds', () => random({ ...chance, rounds: 0 }), /number of rounds is 0/],
    ['a seed that is none', () => random({ ...chance, seed: 0.5 }), /the seed is 0\.5/],
    ['a range upside down', () => random({ ...chance, hold: ['2s', '1s'] }), /hold from 2s to 1s is no range/],
  ])('is not made of %s', (_, make, message) => {
    expect(make).toThrow(ConfigurationError)
    expect(make).toThrow(message)
  })
})

describe('a schedule by chance', () => {
  const options: Omit<RandomOptions, 'seed'> = {
    faults: [
      (random) => slow(random.integer(5, 90)),
      () => peKill('east', { operator: 'Logic' }),
      () => peHang('west', { operator: 'Logic' }),
    ],
    rounds: 6,
    hold: ['1s', '3s'],
    pause: ['100ms', '900ms'],
  }
  const text = (seed: number, more: Partial<RandomOptions> = {}): string =>
    JSON.stringify(random({ ...options, ...more, seed }).steps)

  it('is the same for the same seed, keeps to its ranges, and differs by seed', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 12 }), (seed, rounds) => {
        expect(text(seed, { rounds })).toBe(text(seed, { rounds }))
        const { steps } = random({ ...options, seed, rounds })
        expect(steps.map(({ kind }) => kind)).toEqual(
          Array.from({ length: 2 * rounds - 1 }, (_, i) => (i % 2 === 0 ? 'hold' : 'pause')),
        )
        for (const step of steps) {
          if (step.kind === 'pause') within(step.for, 100, 900)
          else if (step.kind === 'hold' && 'for' in step.length) within(step.length.for, 1000, 3000)
          else expect.fail('there is nothing else')
        }
      }),
    )
    const all = new Set(Array.from({ length: 50 }, (_, seed) => text(seed)))
    expect(all.size).toBe(50)
    const kinds = Array.from({ length: 50 }, (_, seed) => random({ ...options, seed })).flatMap((schedule) =>
      holdsOf(schedule).map(({ hold: { fault } }) => fault.kind),
    )
    expect(new Set(kinds)).toEqual(new Set(['latency', 'pe-kill', 'pe-hang']))
  })

  it('draws each round by itself: a longer one begins as a shorter one, and a fault that draws more changes no other', () => {
    const short = random({ ...options, seed: 7, rounds: 3 }).steps
    expect(random({ ...options, seed: 7, rounds: 9 }).steps.slice(0, short.length)).toMatchObject(short)
    const greedy: RandomOptions['faults'] = options.faults.map((fault) => (source) => {
      source.next()
      return fault(source)
    })
    const places = (faults: RandomOptions['faults']) =>
      holdsOf(random({ ...options, seed: 7, faults })).map(({ hold: { fault, length } }) => [fault.kind, length])
    expect(places(greedy)).toEqual(places(options.faults))
  })

  function within(length: Duration, low: number, high: number): void {
    expect(toMs(length)).toBeGreaterThanOrEqual(low)
    expect(toMs(length)).toBeLessThanOrEqual(high)
  }
})
