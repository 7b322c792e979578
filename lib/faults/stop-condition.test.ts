import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { startDouble } from '../streams/testing/rest-double.ts'
import { FaultRefusedError } from './errors.ts'
import type { FaultStep } from './definition.ts'
import type { StopCondition } from './stop-condition.ts'
import { survivorCondition } from './survivor-condition.ts'
import { BENCH_JOB, benchFault, engineBench, touchStep } from './testing/engine-bench.ts'
import { testRoot, until } from './testing/lease-host.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const root = testRoot()
afterAll(() => rmSync(root, { recursive: true, force: true }))
const marks = (): string => mkdtempSync(join(root, 'marks-'))

/** A condition that stops when it is told to. */
function told(): { readonly condition: StopCondition; stop: string | undefined; checks: number } {
  const check: StopCondition['check'] = () => {
    state.checks++
    return Promise.resolve(state.stop === undefined ? { ok: true } : { stop: state.stop })
  }
  const condition: StopCondition = { name: 'told', every: '20ms', check }
  const state: ReturnType<typeof told> = { condition, stop: undefined, checks: 0 }
  return state
}

describe('a stop condition', () => {
  it('is checked while a fault is on, and only then', async () => {
    const state = told()
    const { engine } = engineBench(root, { stopConditions: [state.condition] })
    expect(state.checks).toBe(0)
    const fault = await engine.inject(benchFault([touchStep('a', join(marks(), 'a'))]))
    const before = state.checks
    await until('more checks', () => state.checks > before + 2)
    await fault.heal()
    const after = state.checks
    const healed = performance.now()
    await until('ten times its interval to pass', () => performance.now() - healed > 200)
    expect(state.checks).toBeLessThanOrEqual(after + 1)
    const next = await engine.inject(benchFault([touchStep('a', join(marks(), 'a'))]))
    await until('checks of the next fault', () => state.checks > after + 2)
    await next.heal()
    await engine[Symbol.asyncDispose]()
    expect(engine.doubts).toEqual([])
    expect(engine.stopped.aborted).toBe(false)
  })

  it('heals everything, makes the drill inconclusive, and lets nothing more be injected', async () => {
    const files = marks()
    const state = told()
    const { engine, events } = engineBench(root, { stopConditions: [state.condition] })
    for (const host of ['a', 'b']) await engine.inject(benchFault([touchStep(host, join(files, host))]))
    expect(readdirSync(files)).toEqual(['a', 'b'])
    state.stop = 'the queue is full'
    await until('everything to be healed', () => engine.active.length === 0)
    expect(readdirSync(files)).toEqual([])
    expect(engine.doubts).toEqual(['stopped: told: the queue is full'])
    expect(engine.stopped.aborted).toBe(true)
    expect(events.filter((event) => event.type === 'gate')).toMatchObject([
      { name: 'stop-condition', verdict: 'inconclusive', detail: 'stopped: told: the queue is full' },
    ])
    const refused = engine.inject(benchFault([touchStep('a', join(files, 'a'))]))
    await expect(refused).rejects.toThrow(FaultRefusedError)
    await expect(refused).rejects.toThrow(/the drill was stopped: told: the queue is full/)
    await engine[Symbol.asyncDispose]()
  })

  it('gives up what is being injected, and undoes it', async () => {
    const files = marks()
    const state = told()
    const { engine } = engineBench(root, { stopConditions: [state.condition] })
    const slow: FaultStep = {
      host: 'a',
      do: { command: { script: 'touch "$1"; sleep 60', args: [join(files, 'a')] } },
      undo: ['rm', '-f', join(files, 'a')],
    }
    const injection = engine.inject(benchFault([slow])).then(
      () => 'injected',
      (error: unknown) => String(error),
    )
    await until('the step to begin', () => existsSync(join(files, 'a')))
    state.stop = 'enough'
    expect(await injection).toMatch(/half-way and was undone.*Undone on: a\./)
    expect(readdirSync(files)).toEqual([])
    await engine[Symbol.asyncDispose]()
  })

  it('that cannot be checked, or takes too long, stops too', async () => {
    const broken: StopCondition = {
      name: 'broken',
      every: '10ms',
      check: () => Promise.reject(new Error('no such metric')),
    }
    const stuck: StopCondition = {
      name: 'stuck',
      every: '10ms',
      within: '100ms',
      check: () => new Promise(() => undefined),
    }
    for (const [condition, reason] of [
      [broken, /^stopped: broken: it cannot be checked: no such metric/],
      [stuck, /^stopped: stuck: it cannot be checked: Waited 100ms/],
    ] as const) {
      const { engine } = engineBench(root, { stopConditions: [condition] })
      await engine.inject(benchFault([touchStep('a', join(marks(), 'a'))])).catch(() => undefined)
      await until('the stop', () => engine.stopped.aborted && engine.active.length === 0)
      expect(engine.doubts[0]).toMatch(reason)
      await engine[Symbol.asyncDispose]()
    }
  })
})

describe('that the survivor is well', () => {
  const limits = { unreachableFor: '300ms', unhealthyFor: '300ms', every: '30ms' } as const
  /** The management APIs of both data centres, and an engine that watches them with a fault on `east`. */
  async function watched(affects: 'east' | undefined, inLab = false) {
    const east = await startDouble()
    const west = await startDouble()
    const jobs = [east, west].map((double) => double.jobs.get(double.submit(BENCH_JOB)))
    const bench = engineBench(root, {
      urls: { east: east.base, west: west.base },
      stopConditions: [survivorCondition(inLab ? undefined : limits)],
      ...(inLab ? { environment: { lab: { directory: root, control: [] } } } : {}),
    })
    const plan = affects === undefined ? {} : { affects }
    await bench.engine.inject(benchFault([touchStep('a', join(marks(), 'a'))], plan))
    const close = async (): Promise<void> => {
      await bench.engine[Symbol.asyncDispose]()
      await east[Symbol.asyncDispose]()
      await west[Symbol.asyncDispose]()
    }
    return { ...bench, east, west, jobs, close }
  }

  it('stops when its management API is gone for longer than allowed, and not when that of the victim is', async () => {
    const { engine, east, west, close } = await watched('east')
    await east[Symbol.asyncDispose]()
    const start = performance.now()
    await until('three times the limit to pass', () => performance.now() - start > 1000)
    expect(engine.doubts).toEqual([])
    await west[Symbol.asyncDispose]()
    await until('the stop', () => engine.stopped.aborted)
    expect(engine.doubts[0]).toMatch(/^stopped: the survivor is well: west does not answer: .*allowed: 300ms/)
    await close()
  })

  it('stops when its job is not healthy for longer than allowed, and not for less', async () => {
    const { engine, jobs, close } = await watched('east')
    const [, job] = jobs
    if (!job) throw new Error('there is a job')
    job.health = 'unhealthy'
    const start = performance.now()
    await until('a while less than allowed', () => performance.now() - start > 100)
    job.health = 'healthy'
    await until('three times the limit', () => performance.now() - start > 1000)
    expect(engine.doubts).toEqual([])
    job.health = 'unhealthy'
    await until('the stop', () => engine.stopped.aborted)
    expect(engine.doubts[0]).toMatch(/west has its job failover-app unhealthy, for \d+ms/)
    await close()
  })

  it('watches both where the fault lies between them; in a lab only where limits were given', async () => {
    const { engine, jobs, close } = await watched(undefined)
    if (jobs[0]) jobs[0].health = 'unhealthy'
    await until('the stop', () => engine.stopped.aborted)
    expect(engine.doubts[0]).toMatch(/east has its job failover-app unhealthy/)
    await close()

    const lab = await watched(undefined, true)
    await lab.east[Symbol.asyncDispose]()
    const asked = lab.west.requests?.length ?? 0
    const start = performance.now()
    await until('a while', () => performance.now() - start > 800)
    expect(lab.engine.doubts).toEqual([])
    expect(lab.west.requests?.length ?? 0).toBe(asked)
    await lab.close()
  })
})
