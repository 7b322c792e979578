import { describe, expect, it } from 'vitest'
import { seeded, type Random, type Span } from '../core/index.ts'
import { snapshotCadence } from './cadence.ts'
import { objectiveFindings } from './objectives.ts'
import { simulatePair, type SimulatedEvent, type SimulationInput } from './pair-simulation.ts'
import type { PredictedSpan } from './predicted-span.ts'
import { predict, type ToolkitTiming } from './prediction.ts'

const documented: ToolkitTiming = {
  crossDCOperationMode: 1,
  crossDCInitDelay: 40,
  heartbeatExchangeInterval: 30,
  consecutiveHeartbeatMissesAllowed: 4,
  dataSnapshotExchangeInterval: 180,
}
const lab: ToolkitTiming = {
  crossDCOperationMode: 1,
  crossDCInitDelay: 1,
  heartbeatExchangeInterval: 1,
  consecutiveHeartbeatMissesAllowed: 2,
  dataSnapshotExchangeInterval: 4,
}
const RUNS = 400

/** Drift and transfer in seconds that the simulation draws up to, and the same as a tolerance. */
const late = { drift: 0.05, transfer: 0.2 }
const tolerance = { driftPerTick: '50ms', transfer: '200ms', scheduling: '0ms' } as const

describe('the documented configuration', () => {
  const prediction = predict(documented)

  it.each([
    ['detectionAfterCrash', 90_000, 150_000],
    ['detectionAfterLastHeartbeat', 120_000, 150_000],
    ['returnSeen', 40_000, 40_000],
    ['peerResumes', 40_000, 70_000],
    ['oneWayBoth', 180_000, 300_000],
    ['orderlyShutdown', 90_000, 150_000],
    ['invisibleOutage', 90_000, 150_000],
    ['stateAge', 0, 150_000],
    ['firstSnapshot', 190_000, 190_000],
  ] as const)('gives %s as the reference does', (name, lowerMs, upperMs) => {
    expect(prediction[name].exact).toEqual({ lowerMs, upperMs })
  })

  it('sends the first snapshot at the sixth tick, then one every five', () => {
    expect(prediction).toMatchObject({ firstSnapshotTick: 6, snapshotEveryTicks: 5 })
  })

  it('says what each bound adds to its formula', () => {
    expect(prediction.detectionAfterCrash).toMatchInlineSnapshot(`
      {
        "adds": "lower bound less 5ms drift of the Beacon, 100ms scheduling; upper bound plus 25ms drift of the Beacon, 50ms transfer, 100ms scheduling",
        "exact": {
          "lowerMs": 90000,
          "upperMs": 150000,
        },
        "formula": "crash → DOWN = ((M−1)·P, (M+1)·P)",
        "lowerMs": 89895,
        "rule": "§8",
        "upperMs": 150175,
      }
    `)
  })
})

it('shrinks with the time scale, the tolerance does not', () => {
  const prediction = predict(lab, { timeScale: 0.2 })
  expect(prediction.detectionAfterCrash).toMatchObject({
    exact: { lowerMs: 200, upperMs: 600 },
    lowerMs: 95,
    upperMs: 765,
  })
  expect(prediction).toMatchObject({ firstSnapshotTick: 4, snapshotEveryTicks: 3 })
})

it('is plain JSON', () => {
  const prediction = predict({ ...lab, dataSnapshotExchangeInterval: 0.5, crossDCOperationMode: 0 })
  expect(JSON.parse(JSON.stringify(prediction))).toEqual(prediction)
})

it.each([
  [1, 4],
  [30, 180],
  [30, 100],
  [7, 30],
  [10, 10],
  [10, 20],
  [60, 45],
  [0.5, 3],
  [2, 1],
])('finds the snapshot cadence of %d/%d that counting finds', (period, interval) => {
  const ticks: number[] = []
  let cnt = 1
  for (let tick = 1; ticks.length < 4; tick++) {
    if ((cnt * Math.trunc(period)) % Math.trunc(interval) === 0) {
      ticks.push(tick)
      cnt++
    }
    cnt++
  }
  const [first = 0, second = 0, third = 0] = ticks
  const cadence = snapshotCadence(period, interval)
  expect(cadence).toMatchObject({ firstTick: first, everyTicks: third - second })
  expect(second - first).toBe(third - second)
})

it('knows no cadence where the toolkit divides by zero', () => {
  expect(snapshotCadence(1, 0.5)).toBeUndefined()
})

describe.each([
  ['documented', documented],
  ['lab', lab],
  [
    'slow ticks',
    { ...lab, heartbeatExchangeInterval: 3, consecutiveHeartbeatMissesAllowed: 5, dataSnapshotExchangeInterval: 7 },
  ],
])('a simulation of the rules at random phases (%s)', (_, timing) => {
  const period = timing.heartbeatExchangeInterval
  const exact = predict(timing, { tolerance: { driftPerTick: '0ms', transfer: '0ms', scheduling: '0ms' } })
  const wide = predict(timing, { tolerance })
  const settled = timing.crossDCInitDelay + 20 * period
  const patience = (timing.consecutiveHeartbeatMissesAllowed + 2) * period

  /** Runs many phases; each measured length (s) lies in the envelope, and some come near both of its ends. */
  function hold(
    name: keyof typeof exact,
    measure: (events: readonly SimulatedEvent[], at: number) => number,
    input: (at: number, random: Random) => Partial<SimulationInput>,
    near = 0.05,
  ): void {
    for (const [prediction, lateness] of [
      [exact, {}],
      [wide, late],
    ] as const) {
      const span = prediction[name] as PredictedSpan
      const seen: number[] = []
      for (let seed = 0; seed < RUNS; seed++) {
        const random = seeded(seed)
        const at = settled + random.next() * 10 * period
        const starts = { a: random.next() * period, b: random.next() * period }
        const until = at + 4 * patience + 2 * timing.crossDCInitDelay
        const run = { timing: { a: timing, b: timing }, starts, until, random, ...lateness, ...input(at, random) }
        seen.push(measure(simulatePair(run), at) * 1000)
      }
      expect(within(span, seen), `${name} of ${prediction === exact ? 'exact' : 'late'} runs`).toEqual([])
      if (prediction === exact) expectNear(span, seen, near)
    }
  }
  const first = (
    events: readonly SimulatedEvent[],
    dc: 'a' | 'b',
    event: SimulatedEvent['event'],
    from: number,
  ): number => events.find((one) => one.dc === dc && one.event === event && one.at >= from)?.at ?? Number.NaN
  const last = (events: readonly SimulatedEvent[], dc: 'a' | 'b', event: SimulatedEvent['event'], to: number): number =>
    events.findLast((one) => one.dc === dc && one.event === event && one.at <= to)?.at ?? Number.NaN

  it('keeps the detection of a crash in its envelope', () => {
    hold(
      'detectionAfterCrash',
      (events, at) => first(events, 'a', 'down', at) - at,
      (at) => ({ crash: { dc: 'b', at } }),
    )
  })

  it('keeps the detection after the last heartbeat in its envelope', () => {
    const measure = (events: readonly SimulatedEvent[], at: number): number => {
      const down = first(events, 'a', 'down', at)
      return down - last(events, 'a', 'heartbeat-received', down)
    }
    hold('detectionAfterLastHeartbeat', measure, (at) => ({ crash: { dc: 'b', at } }))
  })

  it('keeps the age of the replicated state in its envelope', () => {
    const measure = (events: readonly SimulatedEvent[], at: number): number => {
      const received = events.filter((one) => one.dc === 'a' && one.event === 'snapshot-received').length
      const taken = events.filter((one) => one.dc === 'b' && one.event === 'snapshot-signal').slice(0, received)
      return at - (taken.at(-1)?.at ?? Number.NaN)
    }
    hold('stateAge', measure, (at) => ({ crash: { dc: 'b', at } }))
  })

  it('keeps the return of a crashed data centre in its envelopes', () => {
    const back = (at: number): number => at + patience
    const crash = (at: number): Partial<SimulationInput> => ({ crash: { dc: 'b', at, restart: back(at) } })
    hold('returnSeen', (events, at) => first(events, 'a', 'up', back(at)) - back(at), crash)
    hold('peerResumes', (events, at) => first(events, 'b', 'up', back(at)) - back(at), crash)
  })

  it('keeps both sides of a partition in the envelope', () => {
    const cuts = (at: number): Partial<SimulationInput> => ({
      cuts: [
        { from: 'a', at },
        { from: 'b', at },
      ],
    })
    hold('splitBrain', (events, at) => first(events, 'a', 'down', at) - at, cuts)
    hold('splitBrain', (events, at) => first(events, 'b', 'down', at) - at, cuts)
  })

  it('keeps the cascade of a one-way loss in its envelopes', () => {
    const cuts = (at: number): Partial<SimulationInput> => ({ cuts: [{ from: 'a', at }] })
    hold('oneWayFirst', (events, at) => first(events, 'b', 'down', at) - at, cuts)
    const second = (events: readonly SimulatedEvent[], at: number): number =>
      first(events, 'a', 'down', at) - first(events, 'b', 'down', at)
    hold('oneWaySecondAfterFirst', second, cuts)
    hold('oneWayBoth', (events, at) => first(events, 'a', 'down', at) - at, cuts, 0.3)
  })

  it('keeps an orderly shutdown in its envelope', () => {
    const measure = (events: readonly SimulatedEvent[], at: number): number => first(events, 'a', 'down', at) - at
    hold('orderlyShutdown', measure, (at) => ({ shutdown: { dc: 'b', at } }))
  })

  it('keeps the first contact in its envelope', () => {
    const measure = (events: readonly SimulatedEvent[]): number =>
      Math.max(first(events, 'a', 'up', 0), first(events, 'b', 'up', 0)) - last(events, 'b', 'start', Infinity)
    hold('firstContact', measure, (_at, random) => ({ starts: { a: 0, b: random.next() * 5 * period } }), 0.35)
  })

  it.each(['invisibleOutage', 'invisibleCut'] as const)(
    'never shows what is below %s, always what is above',
    (name) => {
      for (const [prediction, lateness] of [
        [exact, {}],
        [wide, late],
      ] as const) {
        for (let seed = 0; seed < RUNS; seed++) {
          const random = seeded(seed)
          const at = settled + random.next() * period
          const starts = { a: random.next() * period, b: random.next() * period }
          const down = (length: number): boolean => {
            const fault =
              name === 'invisibleCut'
                ? { cuts: [{ from: 'b' as const, at, healed: at + length }] }
                : { crash: { dc: 'b' as const, at, restart: at + length } }
            const b = { ...timing, crossDCInitDelay: 0 }
            const until = at + length + patience
            const events = simulatePair({ timing: { a: timing, b }, starts, until, random, ...fault, ...lateness })
            return events.some((one) => one.dc === 'a' && one.event === 'down')
          }
          const { lowerMs, upperMs } = prediction[name]
          // Ticks that coincide to the last bit are left to the tolerance.
          const below = name === 'invisibleCut' && prediction === exact ? prediction[name].exact.lowerMs : lowerMs
          if (below > 0) expect(down((below / 1000) * (1 - 1e-9)), `seed ${seed}, below`).toBe(false)
          expect(down((upperMs / 1000) * (1 + 1e-9)), `seed ${seed}, above`).toBe(true)
        }
      }
    },
  )
})

describe('objectives', () => {
  const prediction = predict(documented)

  it('has nothing against objectives that the rules can keep', () => {
    expect(objectiveFindings(prediction, { rto: '3m', rpo: { tuples: 0, stateAge: '150s' } })).toEqual([])
  })

  it('tells an objective that is missed in some phases from one that cannot be met', () => {
    const findings = objectiveFindings(prediction, { rto: '2m', rpo: { stateAge: '1m' } })
    expect(findings.map(({ objective, severity }) => [objective, severity])).toEqual([
      ['rto', 'at-risk'],
      ['state-age', 'at-risk'],
    ])
    expect(objectiveFindings(prediction, { rto: '60s' })).toMatchInlineSnapshot(`
      [
        {
          "message": "The RTO objective of 60s cannot be met: the configuration gives 1m 30s to 2m 30s (crash → first output = detection + takeover + redirect).",
          "objective": "rto",
          "remedy": "Lower heartbeatExchangeInterval or consecutiveHeartbeatMissesAllowed, or agree on a longer RTO.",
          "severity": "unmeetable",
        },
      ]
    `)
  })

  it('finds that nothing is replicated', () => {
    const passive = predict({ ...documented, crossDCOperationMode: 0 })
    expect(objectiveFindings(passive, { rpo: { stateAge: '1h' } })).toMatchObject([{ severity: 'unmeetable' }])
  })
})

it('says what makes the numbers meaningless', () => {
  const notes = predict(
    { ...lab, consecutiveHeartbeatMissesAllowed: 255 },
    { peer: { ...lab, heartbeatExchangeInterval: 900 } },
  ).notes
  expect(notes).toEqual([
    '255 misses are never exceeded by an 8-bit counter: a lost peer is never declared down.',
    'The peer sends more slowly than the survivor is patient: it will be declared down while it lives.',
  ])
})

function within(span: Span, seen: readonly number[]): readonly number[] {
  return seen.filter((value) => !(value >= span.lowerMs - 1e-6 && value <= span.upperMs + 1e-6))
}

function expectNear(span: Span, seen: readonly number[], share: number): void {
  const room = share * (span.upperMs - span.lowerMs) + 1e-6
  expect(Math.min(...seen) - span.lowerMs, 'distance of the shortest from the lower end').toBeLessThanOrEqual(room)
  expect(span.upperMs - Math.max(...seen), 'distance of the longest from the upper end').toBeLessThanOrEqual(room)
}
