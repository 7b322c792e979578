import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openFaultBench, WHOLE_LIFE, statesOf, type FaultBench } from '../../tests/fault-bench.ts'
import { IN_THE_LAB, ON_PACKETS, sampleOf, startKeeper } from '../../tests/fault-samples.ts'
import { now } from '../core/index.ts'
import { dataCenterCrash, type Fault } from '../faults/index.ts'

const ENDS_SERVICE = [
  'data-center-crash',
  'data-center-isolated',
  'data-center-shutdown',
  'data-path-dead',
  'data-service-down',
  'host-quiesced',
  'instance-restarted',
  'instance-stopped',
  'job-cancelled',
  'orderly-shutdown',
  'pe-hang',
  'pe-kept-down',
  'pe-kill',
  'pe-restart-loop',
  'pe-restarted',
  'pe-stopped',
]
const truthLine = z.object({ event: z.string(), dc: z.string().optional(), between: z.array(z.number()).optional() })

let bench: FaultBench
const keeper = startKeeper()
const sample = (kind: string): Fault => sampleOf(kind, keeper.pattern)

beforeAll(async () => {
  bench = await openFaultBench()
})

afterAll(async () => {
  keeper[Symbol.dispose]()
  await bench?.[Symbol.asyncDispose]()
})

describe.each(ON_PACKETS)('the fault %s, which needs packets or resources', (kind) => {
  it('is refused, since the embedded lab has none', async () => {
    const { engine } = bench.engine()
    await expect(engine.inject(sample(kind))).rejects.toThrow(/the environment .* does not offer (packets|resources)/)
    expect(bench.leases()).toEqual([])
    await engine[Symbol.asyncDispose]()
  })
})

describe.each(IN_THE_LAB)('the fault %s', (kind) => {
  it('is planned, armed, injected, confirmed, healed, confirmed healed, and healed again', async () => {
    const { engine, events } = bench.engine()
    const before = now()
    const fault = await engine.inject(sample(kind))
    expect(fault.state).toBe('confirmed')
    expect(engine.active).toEqual([fault])
    expect(bench.leases()).toHaveLength(1)
    expect(fault.injected.earliest).toBeGreaterThanOrEqual(before)
    expect(fault.injected.earliest).toBeLessThanOrEqual(fault.injected.latest)
    if (ENDS_SERVICE.includes(kind)) expect(fault.outage).toBeDefined()
    else expect(fault.outage).toBeUndefined()

    const healed = await fault.heal()
    expect(fault.state).toBe('healed')
    expect(await fault.heal()).toBe(healed)
    expect(engine.active).toEqual([])
    expect(engine.doubts).toEqual([])
    expect(bench.leases()).toEqual([])
    await engine[Symbol.asyncDispose]()

    const recorded = await events()
    expect(statesOf(recorded)).toEqual(WHOLE_LIFE)
    expect(new Set(recorded.flatMap((event) => (event.type === 'fault' ? [event.id] : [])))).toEqual(
      new Set([fault.id]),
    )
    const outages = recorded.filter((event) => event.type === 'outage')
    expect(outages).toHaveLength(fault.outage ? 2 : 0)
    if (fault.outage) expect(outages[1]).toMatchObject({ at: fault.outage, ends: { latest: expect.any(Number) } })
  })
})

describe('the crash of a data centre', () => {
  it('has the interval of the system calls for its outage', async () => {
    const { engine } = bench.engine()
    await using crash = await engine.inject(dataCenterCrash('west'))
    const power = readFileSync(bench.environment.lab?.truthFile ?? '', 'utf8')
      .trim()
      .split('\n')
      .map((line) => truthLine.parse(JSON.parse(line)))
      .filter(({ event, dc }) => event === 'power-off' && dc === 'west')
      .at(-1)
    expect([crash.outage?.earliest, crash.outage?.latest]).toEqual(power?.between)
  })
})
