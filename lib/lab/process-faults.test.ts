import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { messageOf } from '../core/index.ts'
import {
  createFaultEngine,
  FaultTargetError,
  peHang,
  peKeptDown,
  peKill,
  peRestartLoop,
  processHang,
  processKill,
  type Fault,
} from '../faults/index.ts'
import { openShells } from '../hosts/index.ts'
import { openFaultBench, statesOf, toothless, WHOLE_LIFE, type FaultBench } from '../../tests/fault-bench.ts'

let bench: FaultBench
beforeAll(async () => (bench = await openFaultBench()))
afterAll(() => bench?.[Symbol.asyncDispose]())

/** Processes that a fault has started. */
const workers = ({ id }: { readonly id: string }): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`FAILOVER_WORKER=${id}.`)
    } catch {
      return false
    }
  })

/** The PE of an operator, as the management API shows it. */
async function peOf(dc: 'east' | 'west', operator: string) {
  const { management } = bench.clients[dc]
  const [pes, operators] = await Promise.all([management.pes(), management.operators()])
  const found = operators.find(({ name }) => name.endsWith(operator))
  const pe = pes.find(({ self }) => self === found?.pe)
  if (!pe) throw new Error(`${dc} has no PE for ${operator}`)
  return pe
}

describe('a PE', () => {
  it('is kept down, however often the platform starts it, and is back after the heal', async () => {
    const { engine, events } = bench.engine()
    const before = await peOf('east', 'Logic')
    const fault = await engine.inject(peKeptDown('east', { operator: 'Logic' }))
    expect(fault.evidence).toMatchObject({ killed: before.processId, host: 'east' })
    expect(fault.outage).toBeDefined()
    expect(workers(fault)).not.toEqual([])
    expect((await peOf('east', 'Logic')).status).not.toBe('running')
    await fault.heal()
    expect([engine.doubts, workers(fault), bench.leases()]).toEqual([[], [], []])
    expect((await peOf('east', 'Logic')).status).toBe('running')
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
  })

  it('is killed again and again', async () => {
    const { engine } = bench.engine()
    const before = await peOf('west', 'Ingest')
    const fault = await engine.inject(peRestartLoop('west', { operator: 'Ingest' }, { every: '1s', times: 2 }))
    expect(fault.evidence).toMatchObject({ killed: before.processId, killedAgain: 1 })
    await fault.heal()
    const after = await peOf('west', 'Ingest')
    expect([engine.doubts, workers(fault), after.status]).toEqual([[], [], 'running'])
    expect(after.launchCount).toBe((before.launchCount ?? 0) + 2)
  })

  it('is found by a pattern, among all others of both data centres', async () => {
    const { engine } = bench.engine()
    const pe = await peOf('east', 'Logic')
    const hang = await engine.inject(
      processHang({ dc: 'east', pattern: `--dc=east .*--pe=${pe.id} .*--data=${bench.environment.lab?.directory}` }),
    )
    expect(hang.evidence).toMatchObject({ stopped: [`east ${pe.processId}`] })
    await hang.heal()
    expect(engine.doubts).toEqual([])
    const ambiguous: unknown = await engine
      .inject(processKill({ host: 'east', pattern: `--job=1 .*--data=${bench.environment.lab?.directory}` }))
      .catch((reason: unknown) => reason)
    expect(messageOf(ambiguous)).toMatch(/processes on east match/)
    expect((await peOf('east', 'Logic')).processId).toBe(pe.processId)
  })

  it('is not confirmed to be down where nothing was killed', async () => {
    const { engine } = bench.engine({ confirmWithin: '2s' })
    await expect(engine.inject(toothless(peKeptDown('east', { operator: 'Results' })))).rejects.toThrow(
      /could not be confirmed/,
    )
    expect(bench.leases()).toEqual([])
  })
})

describe('the host of a PE', () => {
  /** What becomes of a fault where the environment has these hosts in east. */
  async function withHosts(names: readonly { name: string; aliases?: readonly string[] }[], fault: Fault) {
    const [east, west] = bench.environment.hosts
    if (!east || !west) throw new Error('there are two hosts')
    const hosts = names.map(({ name, aliases = [] }) => ({ ...east, name, aliases, addresses: [] }))
    const shells = openShells([...hosts, west])
    const engine = createFaultEngine({
      environment: { ...bench.environment, hosts: [...hosts, west] },
      clients: bench.clients,
      recorder: { event: () => undefined },
      shells: shells.byName,
    })
    try {
      return { text: await engine.dryRun(fault) }
    } catch (error) {
      return { error }
    } finally {
      await engine[Symbol.asyncDispose]()
      await shells[Symbol.asyncDispose]()
    }
  }

  it('is the one that REST means, by name or alias, and no other', async () => {
    const pe = await peOf('east', 'Logic')
    const called = decodeURIComponent((pe.resource ?? pe.host ?? '').split('/').at(-1) ?? '')
    const { text } = await withHosts(
      [{ name: 'first' }, { name: 'second', aliases: [called] }],
      peHang('east', { operator: 'Logic' }),
    )
    expect(text).toMatch(/\n {2}second: /)
    const { error } = await withHosts([{ name: 'first' }, { name: 'second' }], peHang('east', { operator: 'Logic' }))
    expect(error).toBeInstanceOf(FaultTargetError)
    expect(messageOf(error)).toMatch(new RegExp(`runs on ${called}.*Its hosts at east: first, second`))
    const both = await withHosts(
      [
        { name: 'first', aliases: [called] },
        { name: 'second', aliases: [called] },
      ],
      peKill('east', { operator: 'Logic' }),
    )
    expect(messageOf(both.error)).toMatch(/first and second are both called so/)
    const only = await withHosts([{ name: 'only' }], peHang('east', { operator: 'Logic' }))
    expect(only.text).toMatch(/\n {2}only: /)
  })
})
