import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFaultBench, type FaultBench } from '../../tests/fault-bench.ts'
import { IN_THE_LAB, sampleOf, startKeeper } from '../../tests/fault-samples.ts'
import type { Fault } from '../faults/index.ts'
import { armLeases } from '../faults/leases.ts'
import { contextOf, DEFAULT_DEADLINES, type FaultServices } from '../faults/services.ts'
import { runSteps } from '../faults/steps.ts'
import { localShell } from '../hosts/index.ts'

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

/** The parts that the engine puts together, to be used one by one. */
function parts(id: string): { services: FaultServices; context: ReturnType<typeof contextOf> } {
  const shell = localShell()
  const services: FaultServices = {
    environment: bench.environment,
    clients: bench.clients,
    shell: () => shell,
    leaseDirectory: () => bench.environment.leaseDirectory,
    ttl: '30s',
    deadlines: DEFAULT_DEADLINES,
    record: () => undefined,
    doubt: () => undefined,
  }
  return { services, context: contextOf(services, id, new AbortController().signal) }
}

/** Which processes run what, for telling whether anything was touched. */
async function launches(): Promise<unknown> {
  const all = await Promise.all(
    (['east', 'west'] as const).map(async (dc) => {
      const pes = await bench.clients[dc].management.pes()
      return pes.map(({ id, launchCount, processId, status }) => ({ dc, id, launchCount, processId, status }))
    }),
  )
  return all.flat()
}
describe.each(IN_THE_LAB)('the fault %s', (kind) => {
  it('is undone by its lease file alone', async () => {
    const fault = sample(kind)
    const { definition, params } = fault
    const { services, context } = parts(`${kind}-by-file`)
    const facts = await definition.survey(context, params)
    const plan = definition.plan(context, params, facts)
    const held = await armLeases(
      services,
      { id: context.id, title: kind, plan },
      { signal: context.signal, onLost: () => undefined },
    )
    const injected = await runSteps(plan, context, '30s')
    await definition.confirm(context, params, facts, injected)
    for (const path of held.paths) execFileSync('sh', [join(path, 'undo.sh')], { stdio: 'pipe' })
    await definition.confirmHealed(context, params, facts)
    // Once more, now through the lease: nothing is left to undo, and that is fine.
    await held.undo('test')
    await held.release()
    definition.dispose?.(facts)
  })

  it('is healed where it was never injected', async () => {
    const fault = sample(kind)
    const { definition, params } = fault
    const { services, context } = parts(`${kind}-without`)
    const facts = await definition.survey(context, params)
    const plan = definition.plan(context, params, facts)
    const pesBefore = await launches()
    const held = await armLeases(
      services,
      { id: context.id, title: kind, plan },
      { signal: context.signal, onLost: () => undefined },
    )
    await held.undo('test')
    await definition.confirmHealed(context, params, facts)
    await held.release()
    definition.dispose?.(facts)
    expect(await launches()).toEqual(pesBefore)
  })

  it('tells in a dry run what it would do and the exact undo, and touches nothing', async () => {
    const { engine } = bench.engine()
    const pesBefore = await launches()
    const text = await engine.dryRun(sample(kind))
    expect(text).toContain('It would do:')
    expect(text).toMatch(/Undo, written to (runner|east|west) first/)
    expect(text).not.toContain('"password"')
    expect(await launches()).toEqual(pesBefore)
    expect(bench.leases()).toEqual([])
    await engine[Symbol.asyncDispose]()
  })
})
