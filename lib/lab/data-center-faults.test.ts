import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { instead, NOTHING, openFaultBench, statesOf, toothless, WHOLE_LIFE } from '../../tests/fault-bench.ts'
import type { FaultBench } from '../../tests/fault-bench.ts'
import { eventually } from '../core/index.ts'
import {
  dataCenterCrash,
  dataCenterIsolated,
  dataCenterShutdown,
  FaultNotConfirmedError,
  FaultTargetError,
  latency,
  orderlyShutdown,
  peRestarted,
} from '../faults/index.ts'

let bench: FaultBench

beforeAll(async () => {
  // A snapshot on its way when a shutdown is told would be kept and taken over (reference §11, S10): leave room after one.
  bench = await openFaultBench({ toolkit: { dataSnapshotExchangeInterval: '20' } })
})
afterAll(() => bench?.[Symbol.asyncDispose]())

const DCS = ['east', 'west'] as const

/** Events of the lab's truth about a data centre. */
function truth(dc: string): { readonly event: string; readonly at: number; readonly view?: string }[] {
  return readFileSync(bench.environment.lab?.truthFile ?? '', 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line.includes(`"dc":"${dc}"`))
    .map((line) => JSON.parse(line) as { event: string; at: number; view?: string })
}

function seen(dc: 'east' | 'west', view: string) {
  const current = () => truth(dc).findLast(({ event }) => event === 'peer-view')?.view
  return eventually(
    () => Promise.resolve(current() === view ? { done: true, value: view } : { done: false, seen: String(current()) }),
    { within: '15s', every: '20ms', describe: `${dc} to hold its peer for ${view}` },
  )
}

/** Waits until a data centre has stored a snapshot that it had not stored before. */
function storedAnew(dc: 'east' | 'west') {
  const count = () => truth(dc).filter(({ event }) => event === 'snapshot-stored').length
  const before = count()
  return eventually(
    () => Promise.resolve(count() > before ? { done: true, value: true } : { done: false, seen: `${before} stored` }),
    { within: '15s', every: '20ms', describe: `a snapshot to be stored at ${dc}` },
  )
}

const bothUp = () => Promise.all(DCS.map((dc) => seen(dc, 'up')))
const processesOf = async (dc: 'east' | 'west') =>
  (await bench.clients[dc].management.pes()).map(({ processId }) => processId)

/** A toolkit that starts anew speaks first, which ends a split brain. */
async function reunite(): Promise<void> {
  const { engine } = bench.engine()
  await (await engine.inject(peRestarted('east', { operator: 'HeartbeatMessagePreparer' }))).heal()
  await bothUp()
}

describe('a data centre that is isolated', () => {
  it('is gone for everyone, lives on, and is back with its split brain when it heals', async () => {
    await bothUp()
    const { engine, events } = bench.engine()
    const before = await processesOf('east')
    const fault = await engine.inject(dataCenterIsolated('east'))
    expect(fault.outage).toEqual(fault.injected)
    const { management, data } = bench.clients.east
    await expect(management.root({ attempts: 1, within: '1s' })).rejects.toThrow(/no complete answer|no connection/)
    await expect(data.discover({ attempts: 1, within: '1s' })).rejects.toThrow(/no complete answer|no connection/)
    expect(await bench.clients.west.management.instance()).toMatchObject({ status: 'running' })
    await Promise.all(DCS.map((dc) => seen(dc, 'down')))
    await fault.heal()
    expect(await processesOf('east')).toEqual(before)
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
    expect(engine.doubts).toEqual([])
    await reunite()
  })

  it('is not believed where nothing, or only half of it, happened', async () => {
    const { engine } = bench.engine({ confirmWithin: '5s' })
    await expect(engine.inject(toothless(dataCenterIsolated('west')))).rejects.toThrow(FaultNotConfirmedError)
    const half = instead(dataCenterIsolated('west'), (plan) => ({
      ...plan,
      steps: plan.steps.map((step) => ({ ...step, do: withoutClients(step.do) })),
    }))
    await expect(engine.inject(half)).rejects.toThrow(/runner-west-management is answered/)
    expect(bench.leases()).toEqual([])
    await reunite()
  })

  it('must have hosts', async () => {
    const { engine } = bench.engine({ environment: { hosts: [] } })
    const isolation = engine.inject(dataCenterIsolated('east'))
    await expect(isolation).rejects.toThrow(FaultTargetError)
    await expect(isolation).rejects.toMatchObject({ remedy: expect.stringContaining('dataCenterCrash') })
  })

  it('is what a crash without power commands points to', async () => {
    const { power: _power, ...east } = bench.environment.dcs.east
    const { engine } = bench.engine({ environment: { dcs: { ...bench.environment.dcs, east } } })
    await expect(engine.inject(dataCenterCrash('east'))).rejects.toMatchObject({
      remedy: expect.stringContaining('dataCenterIsolated'),
    })
  })
})

describe('a data centre that is shut down as planned', () => {
  it('says goodbye, then loses its job, then its instance, and has all of it back by one undo', async () => {
    await bothUp()
    const { engine, events } = bench.engine()
    await storedAnew('east')
    const from = truth('west').length
    const fault = await engine.inject(dataCenterShutdown('west'))
    expect(await bench.clients.west.management.instance()).toMatchObject({ status: 'stopped' })
    const order = truth('west')
      .slice(from)
      .map((line) => ('status' in line ? `${line.event} ${String(line.status)}` : line.event))
      .filter((event) => ['quiesced', 'job canceling', 'job canceled', 'instance stopping'].includes(event))
    expect(order).toEqual(['quiesced', 'job canceling', 'job canceled', 'instance stopping'])
    await seen('east', 'down')
    // Its peer was told, and takes nothing over.
    expect(truth('east').findLast(({ event }) => event === 'takeover-end')).toMatchObject({ snapshots: 0 })
    expect(fault.outage?.earliest).toBeGreaterThanOrEqual(fault.injected.latest)
    await fault.heal()
    expect(await bench.clients.west.management.jobs()).toMatchObject([{ name: 'failover-app', health: 'healthy' }])
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
    await bothUp()
  })

  it('has told its peer before its job goes, also where the way is long', async () => {
    await bothUp()
    const { engine } = bench.engine({ maxFaults: 2 })
    const way = await engine.inject(latency('east', 'west', { delay: '80ms' }))
    await storedAnew('east')
    const from = truth('west').length
    const fault = await engine.inject(orderlyShutdown('west'))
    const told = truth('west')
      .slice(from)
      .find(({ event }) => event === 'quiesced')
    const ends = truth('west')
      .slice(from)
      .find(({ event }) => event === 'job')
    await fault.heal()
    await way.heal()
    // There and back.
    expect((ends?.at ?? 0) - (told?.at ?? 0)).toBeGreaterThan(160)
    await bothUp()
  })

  it('is not believed where its instance runs on', async () => {
    const { engine } = bench.engine({ confirmWithin: '2s' })
    const idle = instead(dataCenterShutdown('west'), (plan) => ({
      ...plan,
      steps: plan.steps.map((step, i) => (i === 2 ? { ...step, do: NOTHING } : step)),
    }))
    await expect(engine.inject(idle)).rejects.toThrow(FaultNotConfirmedError)
    expect(await bench.clients.west.management.jobs()).toMatchObject([{ health: 'healthy' }])
    await bothUp()
  })
})

it.each([
  ['isolated', () => dataCenterIsolated('east')],
  ['shut down', () => dataCenterShutdown('west')],
])('one that is %s is brought back by the host when the runner is killed', async (_how, fault) => {
  await reunite()
  const runner = await bench.runner([fault()], '3s')
  await runner.kill()
  for (const dc of DCS) {
    expect(await bench.clients[dc].management.jobs()).toMatchObject([{ name: 'failover-app', health: 'healthy' }])
    expect((await bench.clients[dc].data.discover()).jobs).toHaveLength(1)
  }
})

type Step = Parameters<Parameters<typeof instead>[1]>[0]['steps'][number]['do']

/** The lab's order without the part that concerns its clients. */
function withoutClients(step: Step): Step {
  if (!('command' in step) || !('script' in step.command)) throw new Error('the step is no script')
  return { command: { script: step.command.script.replaceAll('--from runner', '--from east') } }
}
