import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { messageOf, withDeadline } from '../core/index.ts'
import { localShell, wordsOf, type Shell } from '../hosts/index.ts'
import { FaultFailedError, FaultRefusedError, LeaseRefusedError } from './errors.ts'
import type { FaultStep } from './definition.ts'
import { sweep } from './sweep.ts'
import { benchFault, engineBench, touchStep } from './testing/engine-bench.ts'
import { linesOf, testRoot, until } from './testing/lease-host.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const root = testRoot()
afterAll(() => rmSync(root, { recursive: true, force: true }))
const marks = (): string => mkdtempSync(join(root, 'marks-'))
const rejected = async (work: Promise<unknown>): Promise<Error> => {
  const error: unknown = await work.then(
    () => 'nothing was thrown',
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error(String(error))
  return error
}

describe('a fault on several hosts', () => {
  it('is armed on all of them side by side before anything is done on any', async () => {
    const files = marks()
    const meeting = mkdtempSync(join(root, 'meeting-'))
    // Each host arms only once the other one does, too.
    const meets = (name: string): Shell => {
      const shell = localShell({ name })
      return {
        ...shell,
        async run(command, options) {
          if ('script' in command && command.script.includes('lease.sh')) {
            writeFileSync(join(meeting, name), '')
            await until('both to arm', () => readdirSync(meeting).length === 2)
            expect(readdirSync(files)).toEqual([])
          }
          return shell.run(command, options)
        },
      }
    }
    const { engine, directoryOf } = engineBench(root, { shells: { a: meets('a'), b: meets('b') } })
    const fault = await engine.inject(benchFault([touchStep('a', join(files, 'a')), touchStep('b', join(files, 'b'))]))
    expect(readdirSync(files)).toEqual(['a', 'b'])
    expect(['a', 'b'].map((host) => readdirSync(directoryOf(host)))).toEqual([[`${fault.id}.a`], [`${fault.id}.b`]])
    await engine[Symbol.asyncDispose]()
    expect(readdirSync(files)).toEqual([])
    expect(['a', 'b'].map((host) => readdirSync(directoryOf(host)))).toEqual([[], []])
  })

  it('is refused as a whole where one host refuses, naming it, and leaves nothing on the others', async () => {
    const files = marks()
    const blocked = join(files, 'not-a-directory')
    writeFileSync(blocked, '')
    const { engine, environment, directoryOf } = engineBench(root)
    const [a, b] = environment.hosts
    if (!a || !b) throw new Error('there are two hosts')
    const hosts = [a, { ...b, leaseDirectory: join(blocked, 'leases') }]
    const partial = engineBench(root, { environment: { hosts } })
    const fault = benchFault([touchStep('a', join(files, 'a')), touchStep('b', join(files, 'b'))])
    const error = await rejected(partial.engine.inject(fault))
    expect(error).toBeInstanceOf(LeaseRefusedError)
    expect(error.message).toMatch(/could not be armed on b: .*nothing was changed/)
    expect(readdirSync(files)).toEqual(['not-a-directory'])
    expect(readdirSync(a.leaseDirectory)).toEqual([])
    expect(existsSync(directoryOf('b'))).toBe(false)
    await engine[Symbol.asyncDispose]()
  })

  it('is done side by side where its plan says so, in order on each host; in order everywhere else', async () => {
    const run = async (atOnce: boolean): Promise<string[]> => {
      const log = join(marks(), 'log')
      const say = (host: string, word: string, seconds: number): FaultStep => ({
        host,
        do: {
          command: {
            script: 'echo "$1 begins" >>"$2"; sleep "$3"; echo "$1 ends" >>"$2"',
            args: [word, log, String(seconds)],
          },
        },
        undo: ['true'],
      })
      const { engine } = engineBench(root)
      const steps = [say('a', 'a1', 0.8), say('a', 'a2', 0), say('b', 'b1', 0)]
      const fault = await engine.inject(benchFault(steps, { atOnce }))
      expect(fault.injected.latest - fault.injected.earliest).toBeGreaterThan(700)
      await engine[Symbol.asyncDispose]()
      return readFileSync(log, 'utf8').trim().split('\n')
    }
    expect(await run(false)).toEqual(['a1 begins', 'a1 ends', 'a2 begins', 'a2 ends', 'b1 begins', 'b1 ends'])
    const sideBySide = await run(true)
    expect(sideBySide.indexOf('b1 ends')).toBeLessThan(sideBySide.indexOf('a1 ends'))
    expect(sideBySide.filter((line) => line.startsWith('a'))).toEqual(['a1 begins', 'a1 ends', 'a2 begins', 'a2 ends'])
  })

  it.each([false, true])('that fails half-way says what was done and what was undone (at once: %s)', async (atOnce) => {
    const files = marks()
    const broken: FaultStep = {
      host: 'b',
      do: { command: { script: 'echo "no such device" >&2; exit 2' } },
      undo: ['true'],
    }
    const { engine, events } = engineBench(root)
    const steps = [touchStep('a', join(files, "one's")), broken, touchStep('b', join(files, 'never'))]
    const error = await rejected(engine.inject(benchFault(steps, { atOnce })))
    expect(error).toBeInstanceOf(FaultFailedError)
    expect(error.message).toMatch(
      /^bench on files failed half-way and was undone: Step 2 of 3, on b: sh -c .* ended with code 2: no such device\./,
    )
    expect(error.message).toContain(`Steps done before: 1 on a (touch '${join(files, "one'\\''s")}'). Undone on: a, b.`)
    expect(error).toMatchObject({
      details: { undone: ['a', 'b'], steps: [{ outcome: 'done' }, { outcome: 'failed' }, { outcome: 'not begun' }] },
    })
    expect(readdirSync(files)).toEqual([])
    expect(events.at(-1)).toMatchObject({ state: 'failed', detail: expect.stringContaining('Undone on: a, b.') })
  })

  it('shows in a dry run what is done where, and an undo that can be run as it stands', async () => {
    const files = marks()
    const odd = join(files, `it's $(id) "odd"`)
    const { engine, directoryOf } = engineBench(root)
    const fault = benchFault(
      [touchStep('a', odd), touchStep('b', join(files, 'b')), touchStep('a', join(files, 'a2'))],
      {
        atOnce: true,
      },
    )
    const text = await engine.dryRun(fault)
    expect(text).toContain('It would do (all hosts at once):')
    for (const [host, file] of [
      ['a', 'a2'],
      ['b', 'b'],
    ])
      expect(text).toContain(`  ${host}: touch ${join(files, file ?? '')}`)
    const scripts = text.split(/^Undo, written to (?:a|b) first.*:\n$/m).slice(1)
    expect(scripts).toHaveLength(2)
    for (const file of [odd, join(files, 'b'), join(files, 'a2')]) writeFileSync(file, '')
    scripts.forEach((script, index) => {
      const directory = join(files, `lease-${index}`)
      mkdirSync(directory)
      writeFileSync(join(directory, 'undo.sh'), script.trimStart())
      execFileSync('sh', [join(directory, 'undo.sh')])
    })
    expect(readdirSync(files)).toEqual(['lease-0', 'lease-1'])
    // Those very scripts are what an injection writes.
    const real = await engine.inject(fault)
    const leases = await sweep(directoryOf('a'), { shell: localShell(), scans: [] })
    expect(leases).toMatchObject([{ state: 'held', environment: 'bench' }])
    expect(readFileSync(join(leases[0]?.path ?? '', 'undo.sh'), 'utf8').trim()).toBe(scripts[0]?.trim())
    await real.heal()
  })
})

describe('the engine', () => {
  it('breaks a production environment only where it is allowed by its name', async () => {
    const files = marks()
    const safety = { maxFaults: 1, allow: ['process'], leaseTtl: '10s', production: true } as const
    const fault = benchFault([touchStep('a', join(files, 'a'))])
    for (const [allowProduction, reason] of [
      [
        undefined,
        /bench is a production environment, and FAILOVER_ALLOW_PRODUCTION is not set\. Set FAILOVER_ALLOW_PRODUCTION=bench/,
      ],
      ['another', /names "another"/],
      ['true', /names "true"/],
    ] as const) {
      const { engine, directoryOf } = engineBench(root, { environment: { safety }, allowProduction })
      const error = await rejected(engine.inject(fault))
      expect(error).toBeInstanceOf(FaultRefusedError)
      expect(error.message).toMatch(reason)
      expect(existsSync(directoryOf('a'))).toBe(false)
      await engine[Symbol.asyncDispose]()
    }
    const { engine } = engineBench(root, { environment: { safety }, allowProduction: 'bench' })
    await (await engine.inject(fault)).heal()
    await engine[Symbol.asyncDispose]()
  })

  it('refuses what breaks a whole host where only processes may be broken', async () => {
    const safety = { maxFaults: 1, allow: ['process'], leaseTtl: '10s' } as const
    const { engine } = engineBench(root, { environment: { safety } })
    const fault = benchFault([], { blastRadius: 'host' })
    await expect(engine.inject(fault)).rejects.toThrow(/breaks a whole host, and the environment bench allows process/)
  })

  it('notes who holds a lease', async () => {
    const { engine, directoryOf } = engineBench(root, { holder: 'alice@build-7 pid 42 run r1' })
    const fault = await engine.inject(benchFault([touchStep('a', join(marks(), 'a'))]))
    expect(await sweep(directoryOf('a'), { shell: localShell(), scans: [] })).toMatchObject([
      { state: 'held', title: 'bench on files', holder: 'alice@build-7 pid 42 run r1', environment: 'bench' },
    ])
    await fault.heal()
  })

  it('puts on record that a fault ended before it was healed, and heals it all the same', async () => {
    const file = join(marks(), 'a')
    const stillOn = (): Promise<void> =>
      existsSync(file) ? Promise.resolve() : Promise.reject(new Error('the file is gone'))
    const { engine } = engineBench(root)
    const lasting = await engine.inject(benchFault([touchStep('a', file)], { stillOn }))
    await lasting.heal()
    expect(engine.doubts).toEqual([])
    const short = await engine.inject(benchFault([touchStep('a', file)], { stillOn }))
    rmSync(file)
    await short.heal()
    expect(engine.doubts).toEqual(['bench on files ended before it was healed: the file is gone'])
  })

  it('is taken back from the others at once where a host is lost while it is still being made', async () => {
    const files = marks()
    let isDark = false
    const never = new Promise<never>(() => undefined)
    const real = localShell({ name: 'b' })
    const b: Shell = {
      ...real,
      run: (command, options) =>
        isDark ? withDeadline(() => never, { describe: 'an answer of b', ...options }) : real.run(command, options),
    }
    const goesDark: FaultStep = {
      host: 'b',
      do: {
        call: 'the cable is pulled',
        run: ({ signal }) => {
          isDark = true
          return withDeadline(() => never, { within: '60s', signal, describe: 'the step' })
        },
      },
      undo: ['true'],
    }
    const { engine } = engineBench(root, {
      ttl: '900ms',
      deadlines: { undo: '20s' },
      shells: { a: localShell({ name: 'a' }), b },
    })
    const plan = [touchStep('a', join(files, 'a')), goesDark]
    const injection = rejected(engine.inject(benchFault(plan, { atOnce: true })))
    await until('the step on a', () => readdirSync(files).length === 1)
    // Long before the undo of b is given up.
    await until('its undo', () => readdirSync(files).length === 0)
    isDark = false
    expect(messageOf(await injection)).toMatch(/bench-\w+\.b could not be renewed for 900ms, its time to live/)
  })

  it('is taken back from the others at once where a host is lost while it is armed', async () => {
    const real = localShell({ name: 'b' })
    let calls = 0
    let give: () => void = () => undefined
    const cleaned = new Promise<void>((resolve) => (give = resolve))
    const b: Shell = {
      ...real,
      async run(command, options) {
        if (!wordsOf(command).some((word) => word.includes('/leases-b'))) return real.run(command, options)
        calls++
        // The first arms it, once the others are armed; the second would clean up.
        await (calls === 1 ? until('a to be armed', () => readdirSync(directoryOf('a')).length > 0) : cleaned)
        throw new Error('the connection is lost')
      },
    }
    const { engine, directoryOf } = engineBench(root, { shells: { a: localShell({ name: 'a' }), b } })
    const plan = [touchStep('a', join(marks(), 'a')), touchStep('b', join(marks(), 'b'))]
    const injection = rejected(engine.inject(benchFault(plan)))
    await until('b to be cleaned up', () => calls === 2)
    await until('the lease of a to be removed', () => readdirSync(directoryOf('a')).length === 0)
    expect(calls).toBe(2)
    give()
    expect(await injection).toBeInstanceOf(LeaseRefusedError)
  })

  it('undoes an injection that is given up in the middle of a step, and says that it may have been done', async () => {
    const files = marks()
    const slow: FaultStep = {
      host: 'a',
      do: { command: { script: 'touch "$1"; sleep 60', args: [join(files, 'a')] } },
      undo: ['rm', '-f', join(files, 'a')],
    }
    const { engine } = engineBench(root)
    const injection = rejected(engine.inject(benchFault([slow])))
    await until('the step to begin', () => linesOf(join(files, 'a')) > 0)
    await engine.healAll('the run was interrupted')
    const error = await injection
    expect(messageOf(error)).toMatch(/half-way and was undone: .*Perhaps done: 1 on a .*Undone on: a\./)
    expect(readdirSync(files)).toEqual([])
  })
})
