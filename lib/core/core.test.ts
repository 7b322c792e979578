import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AbortedError,
  ConfigurationError,
  elapsed,
  eventually,
  formatMs,
  interval,
  isDuration,
  latestOf,
  mergeVerdicts,
  now,
  redact,
  reveal,
  Secret,
  seeded,
  TimeoutError,
  toMs,
  withDeadline,
  type Verdict,
} from './index.ts'

describe('duration', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
  ] as const)('%s is %d ms', (text, ms) => expect(toMs(text)).toBe(ms))

  it.each(['30', '30 s', '-5s', '', '5d', '1e3s', 's'])('refuses %j and says how to write it', (text) => {
    expect(isDuration(text)).toBe(false)
    expect(() => toMs(text as '1s')).toThrow(ConfigurationError)
    expect(() => toMs(text as '1s')).toThrow(/Write a number with a unit/)
  })

  it('prints for readers', () => {
    expect([0.4, 12, 1250, 125_000, -12, Infinity].map(formatMs)).toEqual([
      '0ms',
      '12ms',
      '1.25s',
      '2m 05s',
      '-12ms',
      '∞',
    ])
  })
})

describe('interval', () => {
  const arbitrary = fc
    .tuple(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.double({ min: 0, max: 1e4, noNaN: true }))
    .map(([start, size]) => interval(start, start + size))
  const within = fc.double({ min: 0, max: 1, noNaN: true })

  it('elapsed contains the true time, whatever the true instants were', () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, within, within, (from, to, f, t) => {
        const trueFrom = from.earliest + f * (from.latest - from.earliest)
        const trueTo = to.earliest + t * (to.latest - to.earliest)
        const span = elapsed(from, to)
        expect(trueTo - trueFrom).toBeGreaterThanOrEqual(span.lowerMs - 1e-6)
        expect(trueTo - trueFrom).toBeLessThanOrEqual(span.upperMs + 1e-6)
      }),
    )
  })

  it('latestOf contains the last of the true instants', () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, within, within, (a, b, f, t) => {
        const last = Math.max(a.earliest + f * (a.latest - a.earliest), b.earliest + t * (b.latest - b.earliest))
        const both = latestOf(a, b)
        expect(last).toBeGreaterThanOrEqual(both.earliest - 1e-6)
        expect(last).toBeLessThanOrEqual(both.latest + 1e-6)
      }),
    )
  })

  it('refuses to end before it begins, and NaN', () => {
    expect(() => interval(2, 1)).toThrow(RangeError)
    expect(() => interval(NaN, 1)).toThrow(RangeError)
  })
})

describe('verdicts', () => {
  it('fail outweighs inconclusive outweighs pass, and nothing is unknown', () => {
    expect(mergeVerdicts([])).toBe('inconclusive')
    expect(mergeVerdicts(['pass', 'pass'])).toBe('pass')
    expect(mergeVerdicts(['pass', 'inconclusive'])).toBe('inconclusive')
    expect(mergeVerdicts(['inconclusive', 'fail', 'pass'])).toBe('fail')
  })

  it('does not depend on order or grouping', () => {
    const verdict = fc.constantFrom<Verdict>('pass', 'fail', 'inconclusive')
    fc.assert(
      fc.property(fc.array(verdict, { minLength: 1 }), fc.array(verdict, { minLength: 1 }), (a, b) => {
        expect(mergeVerdicts([...a, ...b])).toBe(mergeVerdicts([mergeVerdicts(b), mergeVerdicts(a)]))
      }),
    )
  })
})

describe('secret', () => {
  const secret = new Secret('canary-5f3a "quoted" ü')

  it('cannot be printed by any usual way', () => {
    const texts = [
      `${secret.toString()}`,
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ a: [secret] }, { depth: 9 }),
    ]
    for (const text of texts) {
      expect(text).toContain('[secret]')
      expect(text).not.toContain('canary')
    }
    expect(reveal(secret)).toBe('canary-5f3a "quoted" ü')
  })

  it('is redacted from texts in the forms in which it travels', () => {
    const plain = reveal(secret)
    const carried = [plain, encodeURIComponent(plain), JSON.stringify(plain), Buffer.from(plain).toString('base64')]
    for (const text of carried) expect(redact(`before ${text} after`)).toMatch(/^before "?\[secret\]"? after$/)
  })
})

describe('eventually', () => {
  it('bounds the event between the question that denied it and the answer that showed it', async () => {
    const flipsAt = now() + 60
    const { at, value } = await eventually(
      async () => (now() >= flipsAt ? { done: true, value: 'up' } : { done: false, seen: 'still down' }),
      { within: '5s', every: '10ms', describe: 'the flip' },
    )
    expect(value).toBe('up')
    expect(at.earliest).toBeLessThanOrEqual(flipsAt)
    expect(at.latest).toBeGreaterThanOrEqual(flipsAt)
  })

  it('does not move the lower bound for a probe that failed', async () => {
    const start = now()
    let count = 0
    const { at } = await eventually(
      async () => {
        if (++count < 3) throw new Error('no answer')
        return { done: true, value: 1 }
      },
      { within: '5s', every: '20ms', describe: 'an answer' },
    )
    expect(at.earliest - start).toBeLessThan(20)
  })

  it('says what it awaited and what it last saw when time runs out', async () => {
    const waiting = eventually(async () => ({ done: false, seen: 'status constructed' }), {
      within: '50ms',
      every: '10ms',
      describe: 'the job to be healthy',
    })
    await expect(waiting).rejects.toThrow(TimeoutError)
    await expect(waiting).rejects.toThrow(/Waited 50ms for the job to be healthy, in vain[^]*status constructed/)
  })

  it('stops at once when its signal is aborted, also inside a pause', async () => {
    const controller = new AbortController()
    const start = now()
    const waiting = eventually(async () => ({ done: false, seen: 'nothing' }), {
      within: '60s',
      every: '30s',
      describe: 'a thing',
      signal: controller.signal,
      onAttempt: () => controller.abort(new Error('cancelled')),
    })
    await expect(waiting).rejects.toThrow(AbortedError)
    expect(now() - start).toBeLessThan(5000)
  })
})

describe('withDeadline', () => {
  it('ends a wait whose work never does, and tells the work', async () => {
    let told = false
    const waiting = withDeadline(
      (signal) =>
        new Promise(() => {
          signal.addEventListener('abort', () => (told = true))
        }),
      { within: '20ms', describe: 'a fixture to close' },
    )
    await expect(waiting).rejects.toThrow('Waited 20ms for a fixture to close')
    expect(told).toBe(true)
  })
})

describe('seeded', () => {
  it('repeats itself for the same seed, and forks are independent of use', () => {
    const a = seeded(7)
    const b = seeded(7)
    b.fork('other').next()
    expect([a.next(), a.integer(1, 6), a.fork('x').next()]).toEqual([b.next(), b.integer(1, 6), b.fork('x').next()])
    expect(seeded(8).next()).not.toBe(seeded(7).next())
  })
})
