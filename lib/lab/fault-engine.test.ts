import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openFaultBench, statesOf, toothless, WHOLE_LIFE, type FaultBench } from '../../tests/fault-bench.ts'
import { messageOf } from '../core/index.ts'
import type { ResolvedEnvironment } from '../environment/index.ts'
import {
  dataCenterCrash,
  defineFault,
  FaultFailedError,
  FaultNotConfirmedError,
  FaultNotHealedError,
  FaultRefusedError,
  networkPartition,
  oneWayPartition,
  peHang,
  peKill,
  sweep,
} from '../faults/index.ts'
import { localShell } from '../hosts/index.ts'

let bench: FaultBench

beforeAll(async () => {
  bench = await openFaultBench()
})

afterAll(async () => bench?.[Symbol.asyncDispose]())

describe('the engine', () => {
  it('refuses what the environment does not allow, before anything is touched', async () => {
    const { safety, capabilities } = bench.environment
    const refused = async (changes: Partial<ResolvedEnvironment>): Promise<string> => {
      const { engine } = bench.engine({ environment: changes })
      const error: unknown = await engine.inject(dataCenterCrash('east')).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(FaultRefusedError)
      return messageOf(error)
    }
    expect(await refused({ capabilities: capabilities.filter((name) => name !== 'power') })).toContain(
      'does not offer power',
    )
    expect(await refused({ safety: { ...safety, allow: ['process', 'job'] } })).toContain('allows process, job')
    expect(bench.leases()).toEqual([])
  })

  it('keeps to its budget of simultaneous faults', async () => {
    const { engine } = bench.engine()
    const first = await engine.inject(networkPartition('east', 'west'))
    await expect(engine.inject(peHang('east', { operator: 'Logic' }))).rejects.toThrow(
      /with it 2 faults would be on, .* allows 1 at a time/,
    )
    await first.heal()
    await (await engine.inject(peHang('east', { operator: 'Logic' }))).heal()
    await engine[Symbol.asyncDispose]()
    await expect(engine.inject(peHang('east', { operator: 'Logic' }))).rejects.toThrow(/the drill is over/)
  })

  it('undoes a fault that is not confirmed, and says that nothing is proven', async () => {
    const { engine, events } = bench.engine()
    const injection = engine.inject(toothless(networkPartition('east', 'west')))
    await expect(injection).rejects.toThrow(FaultNotConfirmedError)
    await expect(injection).rejects.toThrow(/east-west-heartbeat is answered on new connection/)
    expect(engine.doubts).toHaveLength(1)
    expect(engine.active).toEqual([])
    expect(bench.leases()).toEqual([])
    const recorded = await events()
    expect(statesOf(recorded)).toEqual(['planned', 'armed', 'injected', 'failed'])
    expect(recorded.at(-1)).toMatchObject({ detail: expect.stringMatching(/^undone after: /) })
  })

  it('undoes a fault that failed half-way, and reports it', async () => {
    const marks = mkdtempSync(join(bench.directory, 'half-way-'))
    const halfWay = defineFault({
      kind: 'half-way',
      summary: 'The second of two steps fails.',
      params: z.strictObject({}),
      capabilities: [],
      blastRadius: 'process',
      target: () => 'files',
      affects: () => undefined,
      survey: () => Promise.resolve({}),
      plan: () => ({
        steps: [
          { host: 'runner', do: { command: ['touch', join(marks, 'one')] }, undo: ['rm', '-f', join(marks, 'one')] },
          {
            host: 'runner',
            do: { command: { script: 'echo "no way" >&2; exit 3' } },
            undo: ['rm', '-f', join(marks, 'two')],
          },
        ],
        effect: 'none',
        outage: [],
      }),
      confirm: () => Promise.resolve({ evidence: {} }),
      confirmHealed: () => Promise.resolve({ evidence: {} }),
    })
    const { engine } = bench.engine()
    const injection = engine.inject(halfWay.with({}))
    await expect(injection).rejects.toThrow(FaultFailedError)
    await expect(injection).rejects.toThrow(/half-way and was undone.*code 3: no way/)
    expect(readdirSync(marks)).toEqual([])
    expect(bench.leases()).toEqual([])
  })

  it('leaves a fault that it cannot heal to the host, and can heal it later', async () => {
    const allow = join(mkdtempSync(join(bench.directory, 'stubborn-')), 'allow')
    const stubborn = defineFault({
      kind: 'stubborn',
      summary: 'Its undo works once a file is there.',
      params: z.strictObject({}),
      capabilities: [],
      blastRadius: 'process',
      target: () => 'nothing',
      affects: () => undefined,
      survey: () => Promise.resolve({}),
      plan: () => ({
        steps: [{ host: 'runner', do: { command: ['true'] }, undo: { script: 'test -e "$1"', args: [allow] } }],
        effect: 'none',
        outage: [],
      }),
      confirm: () => Promise.resolve({ evidence: {} }),
      confirmHealed: () => Promise.resolve({ evidence: {} }),
    })
    const { engine } = bench.engine({ ttl: '2s' })
    const fault = await engine.inject(stubborn.with({}))
    await expect(fault.heal()).rejects.toThrow(FaultNotHealedError)
    expect([fault.state, engine.active.length, engine.doubts.length]).toEqual(['failed', 1, 1])
    writeFileSync(allow, '')
    const [lease = ''] = bench.leases()
    await expect
      .poll(() => existsSync(join(bench.environment.leaseDirectory, lease, 'undone')), {
        timeout: 15_000,
        interval: 50,
      })
      .toBe(true)
    await fault.heal()
    expect([fault.state, engine.active.length, bench.leases().length]).toEqual(['healed', 0, 0])
  })

  it('undoes everything when it is told to, also what is only being injected', async () => {
    const { engine } = bench.engine()
    const injection = engine.inject(networkPartition('east', 'west')).catch((reason: unknown) => reason)
    expect(await engine.healAll('the run was interrupted')).toEqual([])
    expect(await injection).toBeInstanceOf(Error)

    await engine.inject(oneWayPartition({ from: 'west', to: 'east' }))
    expect(await engine.healAll('the run was interrupted')).toMatchObject([{ kind: 'one-way-partition', healed: {} }])
    expect(bench.leases()).toEqual([])
  })

  it('finds no target where there is none, and says what there is', async () => {
    const { engine } = bench.engine()
    await expect(engine.inject(peKill('east', { operator: 'Nobody' }))).rejects.toThrow(
      /no PE for east\/Nobody.*Its operators: .*Ingest/,
    )
    await expect(engine.inject(peKill('east', { index: 99 }))).rejects.toThrow(/no PE for east\/PE 99.*counted from 0/)
  })

  it('leaves faults to the host when their runner stops renewing, and knows that it did', async () => {
    const { engine, events } = bench.engine({ ttl: '3s' })
    const fault = await engine.inject(networkPartition('east', 'west'))
    // The runner is away for longer than the lease: nothing is renewed meanwhile.
    spawnSync('sleep', ['4'])
    await expect
      .poll(() => engine.doubts.join(), { timeout: 10_000, interval: 50 })
      .toMatch(/not renewed within 3.00s.*undone the fault by itself/)
    expect(fault.state).toBe('failed')
    await fault.heal()
    expect(statesOf(await events())).toEqual([...WHOLE_LIFE.slice(0, 4), 'failed', ...WHOLE_LIFE.slice(4)])
  })

  it('leaves nothing behind', async () => {
    expect(await sweep(bench.environment.leaseDirectory, { shell: localShell() })).toEqual([])
  })
})
