import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { eventually, messageOf } from '../../core/index.ts'
import { localShell } from '../../hosts/index.ts'
import { FaultNotConfirmedError, FaultTargetError } from '../errors.ts'
import { sweep } from '../sweep.ts'
import { killAll } from '../testing/lease-host.ts'
import { HERE, localBench, shellsOf } from './local-bench.test-harness.ts'
import { processHang } from './process-hang.ts'
import { processKeptDown } from './process-kept-down.ts'
import { processKill } from './process-kill.ts'
import { processRestartLoop } from './process-restart-loop.ts'
import { workerLeftovers } from './worker.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const root = mkdtempSync(join(tmpdir(), 'failover-process-faults-'))
const children: ChildProcess[] = []
afterEach(() => children.splice(0).forEach((child) => killGroup(child)))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let count = 0

/** A process that can be found, and what starts it again when it ends; every start is a line of a file. */
function kept(): { pattern: string; starts: () => number; pids: () => number[]; file: string } {
  const file = join(root, `starts-${++count}`)
  const seconds = String(50_000 + (process.pid % 1000) * 40 + count)
  const script = 'while :; do sleep "$2" & echo "$!" >>"$1"; wait; done'
  children.push(spawn('sh', ['-c', script, 'sh', file, seconds], { stdio: 'ignore', detached: true }))
  const pids = (): number[] => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [])
  return { pattern: `sleep ${seconds}`, starts: () => pids().length, pids, file }
}

const stateOf = (pid: number): string => {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 'gone'
  } catch {
    return 'gone'
  }
}

/** Processes with our mark in their environment. */
function workers(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes('FAILOVER_WORKER=process-')
    } catch {
      return false
    }
  })
}

async function until(what: string, check: () => boolean): Promise<void> {
  const probe = async () =>
    check() ? ({ done: true, value: true } as const) : ({ done: false, seen: 'not yet' } as const)
  await eventually(probe, { within: '20s', every: '20ms', describe: what })
}

describe.each(shellsOf(root))('process faults on a host whose sh is $name', ({ bin }) => {
  it('kill exactly what the pattern finds', async () => {
    await using bench = localBench({ bin })
    const [victim, bystander] = [kept(), kept()]
    await until('both to run', () => victim.starts() === 1 && bystander.starts() === 1)
    const fault = await bench.engine().inject(processKill({ host: HERE, pattern: victim.pattern }))
    expect(fault.evidence).toEqual({ killed: [`${HERE} ${victim.pids()[0]}`] })
    await until('it to be started again', () => victim.starts() === 2)
    expect((await fault.heal()).evidence).toMatchObject({ matching: [1] })
    expect([bystander.starts(), stateOf(bystander.pids()[0] ?? 0)]).toEqual([1, 'S'])
    expect(bench.leases()).toEqual([])
  })

  it('start a killed process again by the command given, and only if nobody else has', async () => {
    await using bench = localBench({ bin })
    const seconds = String(40_000 + process.pid)
    const start = ['sh', '-c', `setsid sleep ${seconds} </dev/null >/dev/null 2>&1 &`] as const
    await bench.shell.run(start, { within: '10s' })
    const target = { host: HERE, pattern: `^sleep ${seconds}$` }
    const engine = bench.engine()
    try {
      const fault = await engine.inject(processKill(target, { restart: start }))
      expect((await fault.heal()).evidence).toMatchObject({ matching: [1], restart: 'by the command given' })
      const again = await engine.inject(processKill(target, { restart: start }))
      await bench.shell.run(start, { within: '10s' })
      expect((await again.heal()).evidence).toMatchObject({ matching: [1] })
    } finally {
      await engine.inject(processKill({ ...target, all: true }))
    }
  })

  it('stop a process, and let exactly that one go on', async () => {
    await using bench = localBench({ bin })
    const victim = kept()
    await until('it to run', () => victim.starts() === 1)
    const engine = bench.engine()
    const fault = await engine.inject(processHang({ host: HERE, pattern: victim.pattern }))
    const [pid = 0] = victim.pids()
    expect(stateOf(pid)).toBe('T')
    await expect(engine.inject(processHang({ host: HERE, pattern: victim.pattern }))).rejects.toThrow(/Stopped already/)
    await fault.heal()
    expect([stateOf(pid), victim.starts(), engine.doubts]).toEqual(['S', 1, []])
  })

  it('keep a process down, whoever starts it again, until healed', async () => {
    await using bench = localBench({ bin })
    const victim = kept()
    await until('it to run', () => victim.starts() === 1)
    const engine = bench.engine()
    const fault = await engine.inject(processKeptDown({ host: HERE, pattern: victim.pattern }))
    await until('it to be killed again and again', () => victim.starts() >= 5)
    expect(workers()).not.toEqual([])
    await fault.heal()
    expect([workers(), engine.doubts, bench.leases()]).toEqual([[], [], []])
    const starts = victim.starts()
    const pid = victim.pids().at(-1) ?? 0
    await until('it to run', () => stateOf(pid) === 'S')
    expect(victim.starts()).toBe(starts)
  })

  it('kill a process so many times, and then let it be', async () => {
    await using bench = localBench({ bin })
    const victim = kept()
    await until('it to run', () => victim.starts() === 1)
    const engine = bench.engine()
    const loop = processRestartLoop({ host: HERE, pattern: victim.pattern }, { every: '500ms', times: 3 })
    const fault = await engine.inject(loop)
    expect(Number(fault.evidence['killedAgain'])).toBeGreaterThan(0)
    await until('the third kill', () => victim.starts() === 4)
    const pid = victim.pids()[3] ?? 0
    const later = Date.now() + 1500
    await until('a time in which a fourth kill would fall', () => Date.now() > later)
    expect([victim.starts(), stateOf(pid)]).toEqual([4, 'S'])
    await fault.heal()
    expect([workers(), engine.doubts]).toEqual([[], []])
  })
})

describe('process faults', () => {
  it('are refused where the pattern is ambiguous, means nothing, or is none, with what there is', async () => {
    await using bench = localBench()
    const [one, two] = [kept(), kept()]
    await until('both to run', () => one.starts() === 1 && two.starts() === 1)
    const engine = bench.engine()
    const message = async (pattern: string): Promise<string> => {
      const error: unknown = await engine
        .inject(processKill({ host: HERE, pattern }))
        .catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(FaultTargetError)
      return messageOf(error)
    }
    const both = `(${one.pattern}|${two.pattern})`
    expect(await message(both)).toMatch(new RegExp(`^2 processes on here match .*\n  here: ${one.pids()[0]} sleep`))
    expect(await message(one.pattern.replace('sleep', 'SLEEP'))).toMatch(/No process .*\n {2}here: \d+ sleep/s)
    expect(await message('no such thing anywhere')).toMatch(/No process on here .* There are:\n {2}here: \d+ /s)
    expect(await message('(')).toMatch(/does not take the pattern \(/)
    await expect(engine.inject(processKill({ host: 'nowhere', pattern: 'x' }))).rejects.toThrow(
      /Its hosts: here|no host nowhere/,
    )
    expect([one.starts(), two.starts(), bench.leases()]).toEqual([1, 1, []])

    const all = await engine.inject(processHang({ host: HERE, pattern: both, all: true }))
    expect([one, two].map(({ pids }) => stateOf(pids()[0] ?? 0))).toEqual(['T', 'T'])
    await all.heal()
    expect([one, two].map(({ pids }) => stateOf(pids()[0] ?? 0))).toEqual(['S', 'S'])
  })

  it('take a whole process group where that is asked for', async () => {
    await using bench = localBench()
    const victim = kept()
    await until('it to run', () => victim.starts() === 1)
    const keeper = children.at(-1)?.pid ?? 0
    const fault = await bench.engine().inject(processHang({ host: HERE, pattern: victim.pattern, group: true }))
    expect([stateOf(victim.pids()[0] ?? 0), stateOf(keeper)]).toEqual(['T', 'T'])
    await fault.heal()
    expect([stateOf(victim.pids()[0] ?? 0), stateOf(keeper)]).toEqual(['S', 'S'])
  })

  it('never touch the first process, nor what our own connection hangs on', async () => {
    await using bench = localBench()
    const engine = bench.engine()
    // This very test runner, and all that started it.
    const own = process.argv[0] ?? 'node'
    const said: unknown = await engine
      .inject(processKeptDown({ host: HERE, pattern: `${own.split('/').at(-1)}|vitest`, all: true }))
      .catch((reason: unknown) => reason)
    expect(messageOf(said)).toMatch(/never touched: our own connection, or what started it/)
    const init = readFileSync('/proc/1/cmdline', 'utf8').replaceAll('\0', ' ').trim()
    const escaped = init.replaceAll(/[.[\]{}()*+?^$|\\]/g, '\\$&')
    const first: unknown = await engine
      .inject(processKill({ host: HERE, pattern: `^${escaped}$` }))
      .catch((reason: unknown) => reason)
    expect(messageOf(first)).toMatch(/never touched: the first process/)
  })

  it('are not confirmed if the process is hit by nobody, and in doubt if it goes on before the heal', async () => {
    await using bench = localBench()
    const victim = kept()
    await until('it to run', () => victim.starts() === 1)
    const engine = bench.engine()
    const hang = processHang({ host: HERE, pattern: victim.pattern })
    const toothless = {
      ...hang,
      definition: {
        ...hang.definition,
        plan: (...given: Parameters<typeof hang.definition.plan>) => {
          const plan = hang.definition.plan(...given)
          return { ...plan, steps: plan.steps.map((step) => ({ ...step, do: { command: ['true'] } })) }
        },
      },
    }
    await expect(engine.inject(toothless)).rejects.toThrow(FaultNotConfirmedError)
    const sound = bench.engine()
    const fault = await sound.inject(hang)
    process.kill(victim.pids()[0] ?? 0, 'SIGCONT')
    await fault.heal()
    expect(sound.doubts.join()).toMatch(/ended before it was healed.*Not stopped/s)
  })

  it('are in doubt if the worker that keeps something down is killed', async () => {
    await using bench = localBench()
    const victim = kept()
    await until('it to run', () => victim.starts() === 1)
    const engine = bench.engine()
    const fault = await engine.inject(processKeptDown({ host: HERE, pattern: victim.pattern }))
    killAll(workers().map(Number))
    await until('them to be gone', () => workers().length === 0)
    await fault.heal()
    expect(engine.doubts.join()).toMatch(/ended before it was healed: Of 1 workers on here 0 are alive/)
  })

  it('end with their lease when the runner is gone, and leave no worker', async () => {
    const victim = kept()
    await until('it to run', () => victim.starts() === 1)
    const shell = localShell({ name: HERE })
    let gone = false
    const cut = {
      ...shell,
      run: ((command, options) => {
        if (gone) throw new Error('the runner is gone')
        return shell.run(command, options)
      }) satisfies typeof shell.run,
    }
    await using away = localBench({ shell: cut })
    await away.engine({ ttl: '2s' }).inject(processKeptDown({ host: HERE, pattern: victim.pattern }))
    gone = true
    await until('the workers to end', () => workers().length === 0)
    const starts = victim.starts()
    const pid = victim.pids().at(-1) ?? 0
    await until('it to run', () => stateOf(pid) === 'S')
    expect(victim.starts()).toBe(starts)
    gone = false
  })

  it('have their orphaned workers found and ended by a sweep', async () => {
    await using bench = localBench()
    const victim = kept()
    await until('it to run', () => victim.starts() === 1)
    await bench.engine().inject(processKeptDown({ host: HERE, pattern: victim.pattern }))
    const [lease = ''] = bench.leases()
    const [worker] = readFileSync(join(bench.directory, 'leases', lease, 'worker.w.1'), 'utf8').split(' ')
    // Other files test workers at the same time: theirs are none of this one's business.
    const own = `( ${workerLeftovers.script}\n) | grep -F ${lease.split('.')[0]} || true`
    const scan = { shell: bench.shell, scans: [{ ...workerLeftovers, script: own }] }
    expect(await sweep(join(bench.directory, 'leases'), scan)).toMatchObject([{ id: lease, state: 'held' }])
    // A worker that cannot see that its lease is gone.
    process.kill(Number(worker), 'SIGSTOP')
    const watcher = readFileSync(join(bench.directory, 'leases', lease, 'watcher'), 'utf8').split('.')[0]
    process.kill(Number(watcher), 'SIGKILL')
    bench.vanish(join(bench.directory, 'leases', lease))
    // Beside the worker itself, perhaps what it had just started.
    const found = await sweep(join(bench.directory, 'leases'), scan)
    expect(found.map(({ title }) => title)).toContain(`process ${worker} of the fault ${lease}`)
    expect(new Set(found.map(({ id, state }) => `${id} ${state}`))).toEqual(new Set([`${lease.split('.')[0]} orphan`]))
    expect(workers()).toEqual([])
  })
})

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}
