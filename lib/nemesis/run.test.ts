import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { FaultFailedError, FaultRefusedError, type FaultEngineOptions, type FaultStep } from '../faults/index.ts'
import { benchFault, engineBench, touchStep } from '../faults/testing/engine-bench.ts'
import { testRoot, until } from '../faults/testing/lease-host.ts'
import { ScheduleError } from './errors.ts'
import { startSchedule } from './run.ts'
import { hold, parallel, pause, repeat, sequence, type Schedule } from './schedule.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const root = testRoot()
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Faults that make files, on hosts of a real engine: what is on is what is there. */
function ground(more: Partial<FaultEngineOptions> = {}) {
  const files = mkdtempSync(join(root, 'marks-'))
  const log = join(mkdtempSync(join(root, 'log-')), 'log')
  writeFileSync(log, '')
  const bench = engineBench(root, more)
  const marking = (name: string): FaultStep => {
    const file = join(files, name)
    const script = (word: string, command: string) => ({
      script: `${command} -- "$1"; echo "$2 ${word}" >>"$3"`,
      args: [file, name, log],
    })
    return {
      host: 'a',
      do: { command: script('on', 'touch') },
      undo: { script: '[ ! -e "$1" ] || { rm -- "$1"; echo "$2 off" >>"$3"; }', args: [file, name, log] },
    }
  }
  const progress: string[] = []
  const parts = {
    engine: bench.engine,
    recorder: { event: () => undefined },
    onProgress: (text: string | undefined) => progress.push(text ?? 'over'),
  }
  return {
    ...bench,
    progress,
    on: () => readdirSync(files).sort(),
    fault: (name: string) => benchFault([marking(name)]),
    log: () => readFileSync(log, 'utf8').trim().split('\n'),
    start: (schedule: Schedule, signal?: AbortSignal) =>
      startSchedule(schedule, { ...parts, ...(signal ? { signal } : {}) }),
    broken: benchFault([
      { host: 'b', do: { command: { script: 'echo "no such device" >&2; exit 2' } }, undo: ['true'] },
    ]),
    until: (condition: () => boolean) => ({
      until: () => until('a test to go on', condition),
      describe: 'a test goes on',
    }),
  }
}
/** It does not even listen to the signal. */
const never = { until: () => new Promise<never>(() => undefined), describe: 'the end of time' }

describe('a schedule that is carried out', () => {
  it('has one fault on after the other, each healed before the next', async () => {
    const g = ground()
    const seen: string[][] = []
    const look = { until: () => Promise.resolve(seen.push(g.on())), describe: 'a look' }
    const run = g.start(
      sequence(hold(g.fault('a'), look), pause({ for: '10ms' }), repeat(2, hold(g.fault('b'), { for: '10ms' }))),
    )
    const done = await run.done
    expect(seen).toEqual([['a']])
    expect(g.log()).toEqual(['a on', 'a off', 'b on', 'b off', 'b on', 'b off'])
    expect(done.map(({ place }) => place)).toEqual(['1', '3.1', '3.2'])
    expect(done.every(({ fault, healed }) => healed.earliest >= fault.confirmed.latest)).toBe(true)
    expect(done.map(({ fault }) => fault.state)).toEqual(['healed', 'healed', 'healed'])
    expect(g.progress).toContain('1 of 3 faults done; nothing for 10ms')
    expect(g.progress.slice(-2)).toEqual(['2 of 3 faults done; 3.2 bench on files', 'over'])
    expect(g.engine.doubts).toEqual([])
    await g.engine[Symbol.asyncDispose]()
  })

  it('keeps a fault on for as long as it says', async () => {
    const g = ground()
    const [held] = await g.start(hold(g.fault('a'), { for: '300ms' })).done
    if (!held) throw new Error('nothing was on')
    expect(held.healed.earliest - held.fault.confirmed.latest).toBeGreaterThanOrEqual(299)
    await g.engine[Symbol.asyncDispose]()
  })

  it('has faults on side by side, as many as the environment allows', async () => {
    const g = ground()
    let met = false
    const both = g.until(() => (met ||= g.on().length === 2))
    await g.start(parallel(hold(g.fault('a'), both), sequence(hold(g.fault('b'), both)))).done
    expect(g.log().slice(0, 2).sort()).toEqual(['a on', 'b on'])
    expect(g.on()).toEqual([])
    await g.engine[Symbol.asyncDispose]()
  })

  it('is refused as a whole before anything is touched where one fault of it would be', async () => {
    const g = ground()
    const three = ['a', 'b', 'c'].map((name) => hold(g.fault(name), { for: '1s' }))
    expect(() => g.start(sequence(hold(g.fault('first'), { for: '1s' }), parallel(...three)))).toThrow(
      FaultRefusedError,
    )
    expect(() => g.start(parallel(...three))).toThrow(
      /with it 3 faults would be on, and the environment bench allows 2 at a time/,
    )
    const host = hold(benchFault([touchStep('a', join(root, 'never'))], { blastRadius: 'host' }), { for: '1s' })
    const strict = ground({
      environment: { ...g.environment, safety: { ...g.environment.safety, allow: ['process'] } },
    })
    expect(() => strict.start(sequence(hold(strict.fault('first'), { for: '1s' }), host))).toThrow(
      /breaks a whole host/,
    )
    expect([...g.log(), ...strict.log()]).toEqual(['', ''])
    expect([...g.events, ...strict.events]).toEqual([])
  })

  it.each(['sequence', 'parallel'] as const)(
    'ends with the first fault that fails, and says where (%s)',
    async (how) => {
      const g = ground()
      const broken = hold(g.broken, { for: '1s' })
      const run =
        how === 'sequence'
          ? g.start(sequence(hold(g.fault('a'), { for: '10ms' }), sequence(broken), hold(g.fault('c'), never)))
          : g.start(parallel(hold(g.fault('a'), never), sequence(broken, hold(g.fault('c'), never))))
      const error: unknown = await run.done.catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(ScheduleError)
      expect(error).toMatchObject({
        code: 'FAILOVER_FAULT_FAILED',
        details: { place: '2.1' },
        message: expect.stringMatching(/^The schedule ended at 2\.1, bench on files: .*no such device/),
        cause: expect.any(FaultFailedError),
      })
      expect(g.on()).toEqual([])
      expect(g.log()).not.toContain('c on')
      // The engine knows, too: no drill with such a fault is green.
      expect(g.engine.doubts).toHaveLength(1)
      await g.engine[Symbol.asyncDispose]()
    },
  )

  it('ends with what it waits for in vain, after the fault is healed', async () => {
    const g = ground()
    const vain = new Error('no takeover')
    const run = g.start(hold(g.fault('a'), { until: () => Promise.reject(vain), describe: 'a takeover' }))
    await expect(run.done).rejects.toBe(vain)
    expect(g.log()).toEqual(['a on', 'a off'])
    expect(run.carriedOut).toEqual([])
    await g.engine[Symbol.asyncDispose]()
  })

  it('is not carried out where a fault was undone behind its back', async () => {
    const g = ground({ ttl: '2s' })
    const behind = (): void => {
      const directory = g.directoryOf('a')
      const [lease = ''] = readdirSync(directory)
      execFileSync('sh', [join(directory, lease, 'lease.sh'), 'undo', 'watcher'])
    }
    const run = g.start(
      hold(g.fault('a'), {
        async until(fault) {
          behind()
          await until('the engine to know', () => fault.state === 'failed')
        },
        describe: 'its end',
      }),
    )
    await expect(run.done).rejects.toThrow(/ended at 1, bench on files: bench on files was not on to its end/)
    await g.engine[Symbol.asyncDispose]()
  })
})

describe('a schedule that is given up', () => {
  it('at the end of its scope heals what is on and begins nothing more', async () => {
    const g = ground()
    {
      await using run = g.start(sequence(hold(g.fault('a'), never), hold(g.fault('b'), never)))
      await until('it to begin', () => g.on().length === 1)
      expect(run.carriedOut).toEqual([])
    }
    expect(g.log()).toEqual(['a on', 'a off'])
    expect(g.engine.doubts).toEqual([])
    await g.engine[Symbol.asyncDispose]()
  })

  it('while a fault is half-way on finishes that first, so that it is known when it was', async () => {
    const g = ground()
    const gate = join(mkdtempSync(join(root, 'gate-')), 'go')
    const slow: FaultStep = {
      host: 'a',
      do: { command: { script: 'until [ -e "$1" ]; do sleep 0.05; done', args: [gate] } },
      undo: ['true'],
    }
    const run = g.start(hold(benchFault([slow]), never))
    await until('it to be armed', () => g.events.some((event) => event.type === 'fault' && event.state === 'armed'))
    const given = run[Symbol.asyncDispose]()
    writeFileSync(gate, '')
    await given
    const states = g.events.flatMap((event) => (event.type === 'fault' ? event.state : []))
    expect(states).toEqual(['planned', 'armed', 'injected', 'confirmed', 'healing', 'healed'])
    expect(g.engine.doubts).toEqual([])
    await g.engine[Symbol.asyncDispose]()
  })

  it('by the signal takes back what is half-way on', async () => {
    const g = ground()
    const stop = new AbortController()
    const stuck: FaultStep = { host: 'a', do: { command: ['sleep', '1000'] }, undo: ['true'] }
    const run = g.start(hold(benchFault([stuck]), never), stop.signal)
    await until('it to be armed', () => g.events.some((event) => event.type === 'fault' && event.state === 'armed'))
    const reason = new Error('the test is over')
    stop.abort(reason)
    await expect(run.done).rejects.toBe(reason)
    expect(g.engine.active).toEqual([])
    expect(readdirSync(g.directoryOf('a'))).toEqual([])
    await g.engine[Symbol.asyncDispose]()
  })

  it('by a stop condition', async () => {
    const files = mkdtempSync(join(root, 'stop-'))
    const stop = join(files, 'stop')
    const g = ground({
      stopConditions: [
        {
          name: 'a file',
          every: '20ms',
          check: () => Promise.resolve(existsSync(stop) ? { stop: 'the file is there' } : { ok: true }),
        },
      ],
    })
    const run = g.start(sequence(hold(g.fault('a'), never), hold(g.fault('b'), never)))
    await until('it to begin', () => g.on().length === 1)
    writeFileSync(stop, '')
    await expect(run.done).rejects.toThrow(/stopped: .*the file is there/)
    expect(g.log()).toEqual(['a on', 'a off'])
    await g.engine[Symbol.asyncDispose]()
  })

  it('throws what failed where nobody has asked', async () => {
    const g = ground()
    const run = g.start(hold(g.broken, { for: '1s' }))
    await until('it to fail', () => g.engine.doubts.length === 1)
    await expect(run[Symbol.asyncDispose]()).rejects.toThrow(/no such device/)
    await g.engine[Symbol.asyncDispose]()
  })
})
