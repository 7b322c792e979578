import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { eventually } from '../core/index.ts'
import { TrafficError } from './errors.ts'
import { SightFlag } from '../history/index.ts'
import { defineSchema } from './schema.ts'
import { fromFunction } from './source.ts'
import { temporaryRecorder, type Ledger } from './test-ledger.ts'
import { testSite, type TestSite } from './test-site.ts'
import { openTraffic } from './traffic.ts'
import type { Traffic, TrafficOptions, TrafficRun } from './types.ts'

// Real threads and servers, on machines that may be busy.
vi.setConfig({ testTimeout: 40_000 })

type Recorder = ReturnType<typeof temporaryRecorder>

interface Stage extends AsyncDisposable {
  readonly east: TestSite
  readonly west: TestSite
  readonly recorder: Recorder
  readonly traffic: Traffic
  ledger(): Ledger
}

async function stage(options: Partial<TrafficOptions> & { readonly tls?: boolean } = {}): Promise<Stage> {
  const { tls = false, ...more } = options
  const east = await testSite('east', { tls })
  const west = await testSite('west', { tls })
  const recorder = temporaryRecorder()
  const dc = ({ inject, inspect }: TestSite) => ({ prepared: { inject, inspect } })
  const dcs = { east: dc(east), west: dc(west) }
  const traffic = openTraffic({ dcs, recorder, seed: 7, contract: { settle: '300ms' }, ...more })
  return {
    east,
    west,
    recorder,
    traffic,
    ledger: () => recorder.ledger(),
    async [Symbol.asyncDispose]() {
      await traffic[Symbol.asyncDispose]()
      await recorder[Symbol.asyncDispose]()
      await east[Symbol.asyncDispose]()
      await west[Symbol.asyncDispose]()
    },
  }
}

function until(run: TrafficRun, describe: string, done: () => boolean): Promise<unknown> {
  const probe = async () =>
    done() ? ({ done: true, value: 0 } as const) : ({ done: false, seen: JSON.stringify(run.stats().homes) } as const)
  return eventually(probe, { within: '20s', every: '10ms', describe })
}

function expectNothingLost({ sends, sights }: Ledger): void {
  const seen = new Set(sights.map((sight) => sight.seq))
  const lost = sends.filter((send) => send.outcome === 'acknowledged' && !seen.has(send.seq))
  expect(lost).toEqual([])
}

describe('traffic through two healthy data centres', () => {
  it('goes home, is acknowledged and seen, and leaves no secret behind', async () => {
    await using on = await stage({ tls: true })
    const run = await on.traffic.start({ rate: 200, payloadBytes: 40 })
    const steady = await run.steady({ for: '500ms', within: '15s' })
    expect(steady.rate).toBeGreaterThan(150)
    const stats = await run.stop({ within: '10s' })

    const ledger = on.ledger()
    expectNothingLost(ledger)
    expect(stats.homes.east).toMatchObject({ route: 'east', refused: 0, indeterminate: 0, inFlight: 0, shed: 0 })
    expect(stats.homes.east.seen).toBe(stats.homes.east.acknowledged)
    expect(ledger.sights.every((sight) => sight.flags === 0)).toBe(true)
    expect(on.east.processed.every(({ tuple }) => tuple.home === 'east')).toBe(true)
    for (const file of readdirSync(on.recorder.directory)) {
      const text = readFileSync(join(on.recorder.directory, file), 'latin1')
      expect(text).not.toContain(on.east.inject.headers['authorization'])
    }
  })

  it('numbers every tuple once, and every key without gaps', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 400, keys: 6 })
    await run.steady({ for: '300ms', within: '15s' })
    await run.stop()
    const first = on.ledger().sends.filter((send) => send.attempt === 1)
    const seqs = [...new Set(first.map((send) => send.seq))]
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, index) => index + 1))
    for (const key of new Set(first.map((send) => send.key))) {
      const numbers = [...new Set(first.filter((send) => send.key === key).map((send) => send.keySeq))]
      expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1))
    }
  })

  it('shows with each sight when it can have become visible', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 500 })
    await run.steady({ for: '500ms', within: '15s' })
    await run.stop()
    const { sights } = on.ledger()
    for (const site of [on.east, on.west]) {
      const truth = new Map(site.processed.map(({ seq, at }) => [seq, at]))
      const mine = sights.filter((sight) => sight.dc === site.dc)
      expect(mine.length).toBeGreaterThan(50)
      for (const { seq, earliest, latest } of mine) {
        expect(truth.get(seq)).toBeGreaterThanOrEqual(earliest)
        expect(truth.get(seq)).toBeLessThanOrEqual(latest)
      }
    }
  })

  it('offers witnesses to both, of which the one that is not at home refuses', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 100, witness: true })
    await run.steady({ for: '500ms', within: '15s' })
    await run.stop()
    const witnesses = on.east.requests.flatMap(({ items }) => items).filter(({ key }) => key.startsWith('witness-'))
    const twice = on.west.requests.flatMap(({ items }) => items).filter(({ key }) => key.startsWith('witness-'))
    expect(new Set(witnesses.map(({ home }) => home))).toEqual(new Set(['east', 'west']))
    expect(witnesses.map(({ seq }) => seq)).toEqual(twice.map(({ seq }) => seq))
    const { sends } = on.ledger()
    const one = sends.filter(({ seq }) => seq === witnesses.find(({ home }) => home === 'east')?.seq)
    expect(one.map(({ dc, outcome, attempt }) => ({ dc, outcome, attempt }))).toEqual([
      { dc: 'east', outcome: 'acknowledged', attempt: 1 },
      { dc: 'west', outcome: 'refused', attempt: 1 },
    ])
  })

  it('is the same again from the same seed, key by key', async () => {
    const contents: Record<string, string[]>[] = []
    for (let times = 0; times < 2; times++) {
      await using on = await stage({ seed: 99 })
      const run = await on.traffic.start({ rate: 300, keys: 4, payloadBytes: 12 })
      await until(run, 'some tuples', () => run.stats().homes.east.sent > 40)
      await run.stop()
      const byKey: Record<string, string[]> = {}
      for (const { key, value, payload } of [...on.east.processed, ...on.west.processed].map(({ tuple }) => tuple)) {
        ;(byKey[key.replace(/-[^-]*$/, '')] ??= []).push(`${value} ${payload}`)
      }
      contents.push(byKey)
    }
    const [first = {}, second = {}] = contents
    for (const key of ['east-0', 'east-1', 'west-0', 'west-1']) {
      const length = Math.min(first[key]?.length ?? 0, second[key]?.length ?? 0)
      expect(length).toBeGreaterThan(10)
      expect(first[key]?.slice(0, length)).toEqual(second[key]?.slice(0, length))
    }
  })

  it('runs one after the other count on, under new keys', async () => {
    await using on = await stage()
    for (let times = 0; times < 2; times++) {
      await using run = await on.traffic.start({ rate: 100 })
      await run.steady({ for: '200ms', within: '15s' })
      if (times === 1) await expect(on.traffic.start({ rate: 1 })).rejects.toThrow('runs already')
      await run.stop()
    }
    const ledger = on.ledger()
    expectNothingLost(ledger)
    expect(new Set(ledger.sends.map((send) => send.key)).size).toBe(16)
    const batches = ledger.sends.map((send) => send.batch)
    expect(batches).toEqual(batches.toSorted((a, b) => a - b))
  })
})

describe('a data centre that fails', () => {
  it('loses its work to the other one once that takes it, and gets it back when asked', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 200 })
    await run.steady({ for: '300ms', within: '15s' })
    await on.east.crash()
    await until(run, 'refusals', () => run.stats().homes.east.refused > 10)
    expect(run.stats().homes.east.route).toBe('east')
    on.west.owns.add('east')
    await until(run, 'the redirect', () => run.stats().homes.east.route === 'west')
    await run.steady({ for: '300ms', within: '10s' })
    const [redirect] = run.redirects()
    expect(redirect).toMatchObject({ home: 'east', from: 'east', to: 'west' })
    expect((redirect?.decided.latest ?? 0) - (redirect?.decided.earliest ?? 0)).toBeLessThan(50)

    await on.east.restart()
    await run.failback({ within: '10s' })
    expect(run.stats().homes.east.route).toBe('east')
    await run.stop()
    const ledger = on.ledger()
    expectNothingLost(ledger)
    const moves = ledger.events.filter((event) => event.type === 'traffic').map(({ event, to }) => [event, to])
    expect(moves).toContainEqual(['redirected', 'west'])
    expect(moves).toContainEqual(['failback', 'east'])
    const taps = ledger.events.filter((event) => event.type === 'tap').filter(({ dc }) => dc === 'east')
    expect(taps.map(({ event }) => event)).toEqual(expect.arrayContaining(['started', 'up', 'down', 'stopped']))
    for (const site of [on.east, on.west]) expectOrderPerKey(site)
  })

  it('by silence does not slow the schedule, and leaves its tuples in doubt', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 200, requestTimeout: '500ms' })
    await run.steady({ for: '200ms', within: '15s' })
    on.east.behaviour = { kind: 'silent' }
    on.west.owns.add('east')
    await until(run, 'the redirect', () => run.redirects().some(({ to }) => to === 'west'))
    const stats = await run.stop()
    const ledger = on.ledger()
    expectNothingLost(ledger)
    const indeterminate = ledger.sends.filter(({ outcome }) => outcome === 'indeterminate')
    expect(indeterminate.length).toBeGreaterThan(30)
    // Sent at most once: what may have arrived is not sent again.
    const attempts = new Map<number, number>()
    for (const { seq, key } of ledger.sends) if (key < 8) attempts.set(seq, (attempts.get(seq) ?? 0) + 1)
    expect(indeterminate.filter(({ seq, key }) => key < 8 && (attempts.get(seq) ?? 0) > 1)).toEqual([])
    expect(stats.saturated).toBe(false)
    expect(stats.homes.east.sent).toBe(stats.homes.east.planned)
    expect(stats.homes.west).toMatchObject({ indeterminate: 0, refused: 0 })
    const during = ledger.sends.filter(({ key, attempt }) => key < 8 && attempt === 1).map(({ sentAt }) => sentAt)
    const pauses = during.slice(1).map((at, index) => at - (during[index] ?? at))
    expect(Math.max(...pauses)).toBeLessThan(300)
  })

  it('is overtaken by nothing: redirected batches keep the order of their keys', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 600, keys: 4, batchEvery: '5ms' })
    await run.steady({ for: '200ms', within: '15s' })
    on.west.owns.add('east')
    for (let times = 0; times < 3; times++) {
      on.east.owns.delete('east')
      await until(run, 'west to serve', () => run.stats().homes.east.route === 'west')
      on.east.owns.add('east')
      on.west.owns.delete('east')
      await until(run, 'east to serve', () => run.stats().homes.east.route === 'east')
      on.west.owns.add('east')
    }
    await run.stop()
    expect(run.redirects().length).toBeGreaterThanOrEqual(6)
    for (const site of [on.east, on.west]) expectOrderPerKey(site)
    expectNothingLost(on.ledger())
  })

  it('at least once: what is in doubt goes to the other one too, if that is asked for', async () => {
    await using on = await stage()
    on.west.owns.add('east')
    on.east.behaviour = { kind: 'status', status: 503 }
    const run = await on.traffic.start({ rate: 100, homes: ['east'], resend: true, witness: false })
    await until(run, 'tuples at west', () => run.stats().homes.east.acknowledged > 20)
    await run.stop()
    const { sends } = on.ledger()
    const twice = sends.filter(({ dc, outcome }) => dc === 'east' && outcome === 'indeterminate')
    expect(twice.length).toBeGreaterThan(0)
    for (const { seq } of twice)
      expect(sends.filter((send) => send.seq === seq).map(({ dc }) => dc)).toEqual(['east', 'west'])
  })
})

function expectOrderPerKey(site: TestSite): void {
  const last = new Map<string, number>()
  for (const { tuple } of site.processed) {
    expect(tuple.keySeq).toBeGreaterThan(last.get(tuple.key) ?? 0)
    last.set(tuple.key, tuple.keySeq)
  }
}

describe('what the taps make known', () => {
  it('an overrun is not a loss', async () => {
    await using on = await stage()
    on.east.bufferSize = 5
    const run = await on.traffic.start({ rate: 1000, tapEvery: '100ms' })
    await until(run, 'an overrun', () => run.stats().taps.east.dropped > 20)
    await run.stop()
    const ledger = on.ledger()
    expect(ledger.overrun).toBe(on.east.dropped)
    const overruns = ledger.events.filter((event) => event.type === 'tap' && event.event === 'overrun')
    expect(overruns.length).toBeGreaterThan(0)
    expect(overruns.every((event) => event.type === 'tap' && event.dc === 'east')).toBe(true)
  })

  it('an overrun of a service that only warns is counted by the holes it left', async () => {
    await using on = await stage()
    on.east.bufferSize = 5
    on.east.countsDropped = false
    const run = await on.traffic.start({ rate: 1000, tapEvery: '100ms' })
    await until(run, 'an overrun', () => run.stats().taps.east.dropped > 20)
    await run.stop()
    // What was dropped before a key was first seen, or after it was last seen, leaves no hole.
    expect(on.ledger().overrun).toBeLessThanOrEqual(on.east.dropped)
  })

  it('an answer that was lost on its way counts as an overrun of unknown size', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 200 })
    await run.steady({ for: '200ms', within: '15s' })
    on.east.inspectBehaviour = 'drop'
    await until(run, 'the tap to be down', () => !run.stats().taps.east.up)
    on.east.inspectBehaviour = 'serve'
    await until(run, 'the tap to be up', () => run.stats().taps.east.up)
    await run.stop()
    const ledger = on.ledger()
    expect(ledger.overrun).toBeGreaterThan(0)
    expect(ledger.events.filter((event) => event.type === 'tap').map(({ event }) => event)).toContain('down')
  })

  it('corrupted and foreign tuples are told apart', async () => {
    await using on = await stage()
    on.east.transform = (tuple) => (tuple.keySeq === 3 ? { ...tuple, payload: 'x' } : tuple)
    on.west.transform = (tuple) => (tuple.keySeq === 4 ? { ...tuple, key: 'stranger' } : tuple)
    const run = await on.traffic.start({ rate: 200, witness: false })
    await until(run, 'some tuples', () => run.stats().homes.west.seen > 40)
    await run.stop()
    const flagged = on.ledger().sights.filter((sight) => sight.flags !== 0)
    expect(flagged.filter(({ flags }) => flags === SightFlag.corrupt)).toHaveLength(4)
    expect(flagged.filter(({ flags }) => flags & SightFlag.foreign)).toHaveLength(4)
  })
})

describe('the generator', () => {
  it('says so when it cannot keep its schedule, and never sends what is too late', async () => {
    await using on = await stage()
    on.east.behaviour = { kind: 'slow', ms: 100 }
    const run = await on.traffic.start({
      rate: 1000,
      homes: ['east'],
      witness: false,
      maxInFlight: 2,
      maxBatch: 10,
      maxLateness: '200ms',
    })
    await until(run, 'saturation', () => run.stats().saturated)
    const stats = await run.stop()
    expect(stats.homes.east.shed).toBeGreaterThan(0)
    expect(stats.lateness.max).toBeGreaterThan(100)
    const { events } = on.ledger()
    const gates = events.filter((event) => event.type === 'gate').map(({ name, verdict }) => [name, verdict])
    expect(gates).toEqual([['generator', 'inconclusive']])
    const lags = events.filter((event) => event.type === 'lag')
    const sources = new Set(lags.map(({ kind, source }) => `${kind} ${source}`))
    expect(sources).toEqual(
      new Set(['lateness injector', 'event-loop injector', 'event-loop tap', 'event-loop runner']),
    )
  })

  it('takes rows and schemas of others', async () => {
    const schema = defineSchema({
      name: 'orders',
      fields: { seq: 'seq', key: 'key', home: 'home', keySeq: 'keySeq', sentAt: 'sentAt', value: 'value' },
      results: { count: 'count', sum: 'sum' },
      more: ({ index, random }) => ({ index, currency: random.pick(['EUR', 'USD']), lines: [{ sku: 'ä"\n', n: 1 }] }),
    })
    await using on = await stage({ schema })
    const rows = Array.from({ length: 50 }, (_, index) => ({ value: index, members: { customer: `c${index}` } }))
    const run = await on.traffic.start({ rate: 500, source: { name: 'rows', rows: () => rows } })
    await run.finished({ within: '10s' })
    const stats = await run.stop()
    expect(stats.homes.east.acknowledged + stats.homes.west.acknowledged).toBe(50)
    const own = [...on.east.requests, ...on.west.requests].flatMap(({ items }) => items).filter((t) => 'customer' in t)
    expect(own.map(({ value }) => value).sort((a, b) => a - b)).toEqual(rows.map(({ value }) => value))
    expect(own[0]).toMatchObject({ lines: [{ sku: 'ä"\n', n: 1 }], currency: expect.any(String) })
    expectNothingLost(on.ledger())
  })

  it('fails loudly when its source does', async () => {
    await using on = await stage()
    const source = fromFunction('broken', (index) => {
      if (index > 6000) throw new Error('no more of this')
      return { value: index }
    })
    const run = await on.traffic.start({ rate: 5000, source })
    await expect(run.steady({ for: '30s' })).rejects.toThrow(TrafficError)
    await expect(run.stop()).rejects.toThrow('The source of the tuples failed')
    const { events } = on.ledger()
    expect(events).toContainEqual(expect.objectContaining({ type: 'traffic', event: 'worker-died' }))
    expect(events).toContainEqual(expect.objectContaining({ type: 'gate', name: 'traffic', verdict: 'inconclusive' }))
  })

  it('fails loudly when a thread cannot start', async () => {
    await using on = await stage()
    const path = join(on.recorder.directory, 'history.jsonl', 'not-a-directory')
    const dc = ({ inject, inspect }: TestSite) => ({ prepared: { inject, inspect } })
    const recorder = { ...on.recorder, directory: path }
    const traffic = openTraffic({ dcs: { east: dc(on.east), west: dc(on.west) }, recorder, seed: 1 })
    await expect(traffic.start({ rate: 10 })).rejects.toThrow(/thread of the traffic died/)
    await traffic[Symbol.asyncDispose]()
  })

  it('refuses settings that make no sense before anything is sent', async () => {
    await using on = await stage()
    await expect(on.traffic.start({ rate: 0 })).rejects.toThrow('rate 0')
    await expect(on.traffic.start({ rate: 1, homes: [] })).rejects.toThrow('needs a home')
    await expect(on.traffic.start({ rate: 1, lanes: 1.5 })).rejects.toThrow('whole number')
    expect(on.east.requests).toEqual([])
  })
})

describe('waiting for traffic', () => {
  it('says what was missing, and shows progress on the way', async () => {
    const progress: string[] = []
    await using on = await stage({ onProgress: (text) => progress.push(text) })
    const run = await on.traffic.start({ rate: 100 })
    on.east.transform = () => undefined
    await expect(run.steady({ for: '300ms', within: '1500ms' })).rejects.toThrow(
      /steady for 300ms, in vain[\s\S]*acknowledged tuples of east were not seen/,
    )
    expect(progress.at(-1)).toMatch(/traffic to be steady for 300ms: .* so far/)
    const stats = await run.stop()
    expect(stats.homes.east.seen).toBeLessThan(stats.homes.east.acknowledged)
  })

  it('ends with the signal', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 100 })
    await expect(run.steady({ for: '30s', signal: AbortSignal.timeout(50) })).rejects.toThrow('Gave up waiting')
  })
})
