import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFaultBench, statesOf, toothless, WHOLE_LIFE, type FaultBench } from '../../tests/fault-bench.ts'
import {
  FaultNotConfirmedError,
  FaultTargetError,
  hostQuiesced,
  instanceRestarted,
  peRestarted,
  peStopped,
  type Fault,
} from '../faults/index.ts'

let bench: FaultBench

// Two hosts in each data centre, so that what one loses can go to the other.
beforeAll(async () => {
  bench = await openFaultBench({ toolkit: { remoteDataCenterApplicationMachineNames: 'host-a,host-b' } })
})
afterAll(() => bench?.[Symbol.asyncDispose]())

/** PEs of a data centre, by their place in the job. */
async function pes(dc: 'east' | 'west') {
  const all = await bench.clients[dc].management.pes()
  return all.toSorted((a, b) => (a.indexWithinJob ?? 0) - (b.indexWithinJob ?? 0))
}

const processesOf = async (dc: 'east' | 'west') => (await pes(dc)).map(({ processId }) => processId)

describe('a PE that is stopped', () => {
  it('stays stopped, ends service, and is started by the heal', async () => {
    const { engine, events } = bench.engine()
    const [, , before] = await pes('east')
    const fault = await engine.inject(peStopped('east', { operator: 'Results' }))
    const [, , stopped] = await pes('east')
    expect(stopped).toMatchObject({ status: 'stopped', statusReason: 'userRequest', processId: '' })
    expect(fault.evidence).toMatchObject({ status: 'stopped', reason: 'userRequest', job: 'partiallyUnhealthy' })
    expect(fault.outage?.earliest).toBe(fault.injected.earliest)
    await fault.heal()
    const [, , after] = await pes('east')
    expect(after).toMatchObject({ status: 'running', launchCount: (before?.launchCount ?? 0) + 1 })
    expect(after?.processId).not.toBe(before?.processId)
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
    expect(engine.doubts).toEqual([])
  })

  it('leaves a doubt where somebody else has started it meanwhile', async () => {
    const { engine } = bench.engine()
    const fault = await engine.inject(peStopped('east', { operator: 'Results' }))
    const [, , stopped] = await pes('east')
    await bench.clients.east.management.startPe(stopped ?? '')
    await fault.heal()
    expect(engine.doubts.join()).toMatch(/ended before it was healed: Somebody has started PE \d+ of east/)
  })

  it('ends no service where only the toolkit runs in it', async () => {
    const { engine } = bench.engine()
    const fault = await engine.inject(peStopped('west', { operator: 'HeartbeatMessagePreparer' }))
    expect(fault.outage).toBeUndefined()
    await fault.heal()
  })
})

describe('a PE that is restarted', () => {
  it('runs in another process, one launch later, by itself', async () => {
    const { engine, events } = bench.engine()
    const [, before] = await pes('east')
    const fault = await engine.inject(peRestarted('east', { index: 1 }))
    const [, after] = await pes('east')
    expect(after).toMatchObject({ status: 'running', launchCount: (before?.launchCount ?? 0) + 1 })
    expect(fault.evidence).toMatchObject({ processes: [before?.processId, after?.processId] })
    await fault.heal()
    // The heal had nothing to do.
    expect((await pes('east'))[1]?.processId).toBe(after?.processId)
    const outages = (await events()).filter((event) => event.type === 'outage')
    expect(outages.at(-1)?.ends?.earliest).toBe(fault.outage?.latest)
  })
})

describe('an instance that is restarted', () => {
  it('comes back without its jobs, and gets them from the heal', async () => {
    const { engine, events } = bench.engine()
    const { management } = bench.clients.west
    const fault = await engine.inject(instanceRestarted('west'))
    expect(await management.instance()).toMatchObject({ status: 'running' })
    expect(await management.jobs()).toEqual([])
    await fault.heal()
    expect(await management.jobs()).toMatchObject([{ name: 'failover-app', health: 'healthy' }])
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
    expect(engine.doubts).toEqual([])
  })
})

describe('a host that is quiesced', () => {
  it('loses its PEs to the other host, where they start anew', async () => {
    const { engine, events } = bench.engine()
    const { management } = bench.clients.east
    const before = await pes('east')
    const fault = await engine.inject(hostQuiesced('east', 'host-a'))
    const hosts = await management.hosts()
    expect(hosts.map(({ id, status }) => [id, status])).toEqual([
      ['host-a', 'quiesced'],
      ['host-b', 'running'],
    ])
    const [first] = await management.allocations({ where: { restid: 'host-a' } })
    expect(first).toMatchObject({ schedulerStatus: 'draining' })
    const moved = await pes('east')
    expect(moved.map(({ resource }) => resource?.split('/').at(-1))).toEqual(['host-b', 'host-b', 'host-b', 'host-b'])
    expect(moved.map(({ processId }, i) => processId === before[i]?.processId)).toEqual([false, true, false, true])
    await fault.heal()
    expect((await management.hosts()).map(({ status }) => status)).toEqual(['running', 'running'])
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
  })

  it('must be named where there are several, and be there', async () => {
    const { engine } = bench.engine()
    await expect(engine.inject(hostQuiesced('east'))).rejects.toThrow(/has 2 hosts, and none was named/)
    const unknown = engine.inject(hostQuiesced('east', 'host-c'))
    await expect(unknown).rejects.toThrow(FaultTargetError)
    await expect(unknown).rejects.toMatchObject({ remedy: 'Its hosts: host-a, host-b.' })
    const { management } = bench.clients.west
    await management.quiesceHost('host-b')
    await expect(engine.inject(hostQuiesced('west', 'host-b'))).rejects.toThrow(/host-b of west is quiesced/)
    await management.resumeHost('host-b')
    const [job] = await management.jobs()
    await management.waitHealthy(job ?? '', { within: '10s' })
  })
})

const kinds: readonly (readonly [string, () => Fault])[] = [
  ['a PE is stopped', () => peStopped('east', { operator: 'Results' })],
  ['a PE is restarted', () => peRestarted('east', { operator: 'Logic' })],
  ['an instance is restarted', () => instanceRestarted('east')],
  ['a host is quiesced', () => hostQuiesced('east', 'host-b')],
]

describe.each(kinds)('that %s', (_title, fault) => {
  it('is not believed where nothing happened', async () => {
    const { engine, events } = bench.engine({ confirmWithin: '2s' })
    const before = await processesOf('east')
    await expect(engine.inject(toothless(fault()))).rejects.toThrow(FaultNotConfirmedError)
    expect(statesOf(await events())).toEqual(['planned', 'armed', 'injected', 'failed'])
    expect(engine.doubts).toHaveLength(1)
    expect(await processesOf('east')).toEqual(before)
    expect(bench.leases()).toEqual([])
  })
})

it('is undone by the host when the runner is killed', async () => {
  const runner = await bench.runner([peStopped('east', { operator: 'Results' }), hostQuiesced('west', 'host-a')], '3s')
  expect((await pes('east'))[2]?.status).toBe('stopped')
  expect((await bench.clients.west.management.hosts())[0]?.status).toBe('quiesced')
  await runner.kill()
  expect((await pes('east'))[2]?.status).toBe('running')
  expect((await bench.clients.west.management.hosts())[0]?.status).toBe('running')
  for (const dc of ['east', 'west'] as const) {
    expect(await bench.clients[dc].management.jobs()).toMatchObject([{ health: 'healthy' }])
  }
})
