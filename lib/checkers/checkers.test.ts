import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { DrillFindings, Finding } from './finding.ts'
import { CHECKERS } from './registry.ts'
import { DEFECTS, REMOVALS } from './testing/defects.ts'
import { dropEvents, overtake, planter, startOf } from './testing/planting.ts'
import { findingsOf } from './testing/write-world.ts'
import { world, type World, type WorldOptions } from './testing/world.ts'

const options: fc.Arbitrary<WorldOptions> = fc.record({
  seed: fc.integer({ min: 0, max: 1_000_000 }),
  victim: fc.constantFrom('east', 'west'),
  rate: fc.integer({ min: 150, max: 400 }),
  keysPerHome: fc.integer({ min: 1, max: 4 }),
  beforeMs: fc.integer({ min: 1200, max: 1600 }),
  detectionMs: fc.integer({ min: 250, max: 600 }),
  afterMs: fc.integer({ min: 600, max: 1200 }),
  stateAgeMs: fc.integer({ min: 0, max: 800 }),
  pollEveryMs: fc.integer({ min: 5, max: 25 }),
  crash: fc.constant(true),
  delivery: fc.constantFrom('at-most-once', 'at-least-once', 'exactly-once'),
})

// Many whole histories per test, perhaps on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const RUNS = { numRuns: 8 }

function findingOf(findings: DrillFindings, name: string): Finding {
  const finding = findings.findings.find((one) => one.name === name)
  if (!finding) throw new Error(`there is no finding ${name}`)
  return finding
}

describe('clean histories', () => {
  it('pass every check and every gate', async () => {
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const { verdict, findings, gates } = await findingsOf(world(given))
        const poor = findings.filter((one) => one.applies && one.verdict !== 'pass')
        expect([...poor, ...gates.filter((one) => one.verdict !== 'pass')]).toEqual([])
        expect(verdict).toBe('pass')
      }),
      { numRuns: 25 },
    )
  })

  it('pass without any fault, where checks of recovery do not apply', async () => {
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const { verdict, findings } = await findingsOf(world({ ...given, crash: false }))
        const apply = findings.filter(({ applies }) => applies)
        expect(apply.filter((one) => one.verdict !== 'pass')).toEqual([])
        expect(apply.map(({ name }) => name)).toEqual([
          ...['rpo', 'lost', 'duplicated', 'order', 'integrity', 'phantom', 'late', 'transformation'],
          ...['split-brain', 'stuck-split-brain'],
        ])
        expect(verdict).toBe('pass')
      }),
      RUNS,
    )
  })

  it('measure an interval that contains the simulated truth', async () => {
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const drill = world(given)
        const { rto, rpo } = await findingsOf(drill)
        const trueMs = trueRecovery(drill)
        expect(rto?.span?.lowerMs).toBeLessThanOrEqual(trueMs)
        expect(rto?.span?.upperMs).toBeGreaterThanOrEqual(trueMs)
        expect(rpo?.stateAge?.lowerMs).toBeLessThanOrEqual(given.stateAgeMs + 10)
      }),
      RUNS,
    )
  })
})

describe.each(CHECKERS.map(({ name }) => name))('%s', (name) => {
  const defects = DEFECTS.filter(({ checker }) => checker === name)
  const removals = REMOVALS.filter(({ checkers }) => checkers.includes(name))

  it('has a defect that it catches, and something that it cannot do without', () => {
    expect(defects.length).toBeGreaterThan(0)
    expect(removals.length).toBeGreaterThan(0)
  })

  it.each(defects)('fails when $what', async (defect) => {
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const drill = world({ ...given, ...defect.options })
        defect.plant(drill, planter(drill))
        const findings = await findingsOf(drill)
        const finding = findingOf(findings, name)
        expect(finding).toMatchObject({ verdict: 'fail', applies: true })
        expect(finding.summary).toMatch(/^[A-Z0-9].*\.$/s)
        expect(findings.verdict).toBe('fail')
      }),
      RUNS,
    )
  })

  it.each(removals)('never passes without $what', async (removal) => {
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const drill = world(given)
        removal.remove(drill)
        const findings = await findingsOf(drill)
        expect(findingOf(findings, name)).toMatchObject({ verdict: 'inconclusive' })
        expect(findings.verdict).not.toBe('pass')
      }),
      RUNS,
    )
  })
})

describe('a tuple that comes behind a later one of its key', () => {
  it.each([
    { excuse: 'given up', verdict: 'pass', what: 'is no disorder once its sender had given it up' },
    { excuse: 'sent while away', verdict: 'pass', what: 'is none if it had waited on the way' },
    { excuse: undefined, verdict: 'fail', what: 'is disorder if it was acknowledged' },
  ] as const)('$what', async ({ excuse, verdict }) => {
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const drill = world({ ...given, crash: false })
        overtake(drill, planter(drill), excuse)
        const findings = await findingsOf(drill)
        expect(findingOf(findings, 'order').verdict).toBe(verdict)
        expect(findingOf(findings, 'order').detail).toMatchObject({ overtaken: excuse ? 1 : 0 })
        if (excuse === 'given up') expect(findingOf(findings, 'transformation').verdict).toBe('pass')
      }),
      RUNS,
    )
  })
})

describe('gates', () => {
  const at = (drill: World): number => startOf(drill).at + 1000
  const spoilers: readonly { readonly gate: string; readonly spoil: (drill: World) => void }[] = [
    {
      gate: 'faults-confirmed',
      spoil: (drill) => {
        drill.events = drill.events.filter((event) => !(event.type === 'fault' && event.state === 'confirmed'))
      },
    },
    {
      gate: 'leftovers',
      spoil: (drill) => {
        drill.events = drill.events.filter((event) => !(event.type === 'fault' && event.state === 'healed'))
      },
    },
    {
      gate: 'workers',
      spoil: (drill) => {
        const instant = at(drill)
        drill.events.push({ type: 'traffic', at: { earliest: instant, latest: instant }, event: 'worker-died' })
      },
    },
    {
      gate: 'saturation',
      spoil: (drill) => {
        const instant = at(drill)
        drill.events.push({ type: 'traffic', at: { earliest: instant, latest: instant }, event: 'saturated', count: 3 })
      },
    },
    {
      gate: 'lateness',
      spoil: (drill) => {
        const lag = { kind: 'lateness', source: 'injector', meanMs: 300, p99Ms: 2500, maxMs: 2700 } as const
        drill.events.push({ type: 'lag', at: { earliest: at(drill), latest: at(drill) + 1 }, ...lag })
      },
    },
    {
      gate: 'event-loop',
      spoil: (drill) => {
        const lag = { kind: 'event-loop', source: 'runner', meanMs: 3, maxMs: 5000 } as const
        drill.events.push({ type: 'lag', at: { earliest: at(drill), latest: at(drill) + 1 }, ...lag })
      },
    },
    {
      gate: 'uninterrupted',
      spoil: (drill) => drill.events.push({ type: 'interrupted', at: at(drill), reason: 'SIGINT' }),
    },
    { gate: 'ended', spoil: (drill) => dropEvents(drill, ['drill-ended']) },
    {
      gate: 'leftovers',
      spoil: (drill) =>
        drill.events.push({
          type: 'gate',
          at: at(drill),
          name: 'leftovers',
          verdict: 'inconclusive',
          detail: 'A rule is left.',
        }),
    },
    {
      gate: 'expectations',
      spoil: (drill) =>
        drill.events.push({
          type: 'expectation',
          at: at(drill),
          check: 'nonsense',
          verdict: 'pass',
          because: 'a typo',
        }),
    },
    {
      gate: 'traffic-before',
      spoil: (drill) => {
        for (const poll of drill.polls) if (poll.poll.asked < drill.outage.earliest) poll.sights = []
      },
    },
    {
      gate: 'steady-before',
      spoil: (drill) => {
        for (const poll of drill.polls) {
          const before = drill.outage.earliest - poll.poll.asked
          if (before > 0 && before < 500) poll.sights = []
        }
      },
    },
  ]
  it.each(spoilers)('$gate keeps a drill from passing', async ({ gate, spoil }) => {
    await fc.assert(
      fc.asyncProperty(options, async (given) => {
        const drill = world(given)
        spoil(drill)
        const { verdict, gates } = await findingsOf(drill)
        expect(gates.find(({ name }) => name === gate)).toMatchObject({ verdict: 'inconclusive' })
        expect(verdict).not.toBe('pass')
      }),
      { numRuns: 5 },
    )
  })
})

/** Time from the middle of the outage to the processing of the first of the victim's tuples that was sent after it. */
function trueRecovery(drill: World): number {
  const outage = (drill.outage.earliest + drill.outage.latest) / 2
  const sent = new Map(drill.sends.flatMap((one) => ('send' in one ? [[one.send.seq, one.send.sentAt] as const] : [])))
  const poll = drill.polls.find(
    ({ poll: { dc }, sights }) =>
      dc === drill.survivor &&
      sights.some(({ seq, key }) => drill.keys[key]?.home === drill.victim && (sent.get(seq) ?? 0) > outage),
  )
  return (poll?.poll.asked ?? Number.NaN) + 1 - outage
}
