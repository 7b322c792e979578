/** Process faults on real hosts: injected, their effect measured, healed, and the host as it was. */
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/core/index.ts'
import { processHang, processKeptDown, processKill, processRestartLoop } from '../../lib/faults/index.ts'
import type { Bed } from './beds/bed.ts'
import { startContainerBed } from './beds/container.ts'
import { needsBed } from './beds/need.ts'
import { startSshdBed } from './beds/sshd.ts'
import { bedBench, type BedBench } from './network/bed-bench.ts'

/** Starts a process again whenever it ends, and writes a line for each start. */
const KEEPER = `rm -f /mnt/starts
setsid sh -c 'while :; do sleep 54321 & echo "$!" >>/mnt/starts; wait; done' keeper </dev/null >/dev/null 2>&1 &
until [ -s /mnt/starts ]; do sleep 0.05; done`
const VICTIM = '^sleep 54321$'

/** What is left of processes. Addresses of a machine that has just begun may still settle; faults of processes touch none. */
const leftOf = async (on: BedBench): Promise<readonly string[]> =>
  (await on.left()).filter((line) => /^(stopped|workers): /.test(line))

describe.each([
  { name: 'sshd', need: 'sshd', start: startSshdBed },
  { name: 'container', need: 'docker', start: startContainerBed },
] as const)('process faults on a host ($name)', ({ need, start }) => {
  const bed = needsBed<Bed>(need, start)

  const starts = async (): Promise<string[]> =>
    (await bed().exec('a', ['cat', '/mnt/starts'])).stdout.trim().split('\n')
  const stateOf = async (pid: string): Promise<string> =>
    (await bed().exec('a', { script: 'sed "s/.*) //; s/ .*//" "/proc/$1/stat"', args: [pid] })).stdout.trim()
  const kept = async () => {
    await bed().exec('a', { script: KEEPER })
    return bedBench(bed(), { ttl: '3s' })
  }
  afterEach(() =>
    bed().exec('a', { script: 'pkill -KILL -f "^sh -c while" ; pkill -KILL -f "^sleep 54321"; rm -f /mnt/starts' }),
  )

  it('hang, and go on', async () => {
    await using on = await kept()
    const [pid = ''] = await starts()
    const fault = await on.engine.inject(processHang({ host: bed().hosts.a.name, pattern: VICTIM }))
    expect(await stateOf(pid)).toBe('T')
    await fault.heal()
    expect([await stateOf(pid), await leftOf(on), on.engine.doubts]).toEqual(['S', [], []])
  })

  it('are killed, and found on the right host of a data centre', async () => {
    await using on = await kept()
    const [pid = ''] = await starts()
    await expect(on.engine.inject(processKill({ dc: 'west', pattern: VICTIM }))).rejects.toThrow(/No process on/)
    const fault = await on.engine.inject(processKill({ dc: 'east', pattern: VICTIM }))
    expect(fault.evidence).toEqual({ killed: [`${bed().hosts.a.name} ${pid}`] })
    await fault.heal()
    expect(await starts()).toHaveLength(2)
  })

  it('are kept down until healed, and killed in a loop', async () => {
    await using on = await kept()
    const { name: host } = bed().hosts.a
    const down = await on.engine.inject(processKeptDown({ host, pattern: VICTIM }))
    await eventually(
      async () => {
        const count = (await starts()).length
        return count >= 4 ? { done: true, value: count } : { done: false, seen: `${count} starts` }
      },
      { within: '20s', every: '100ms', describe: 'several restarts' },
    )
    await down.heal()
    const loop = await on.engine.inject(processRestartLoop({ host, pattern: VICTIM }, { every: '500ms', times: 2 }))
    expect(loop.evidence).toMatchObject({ killedAgain: 1 })
    await loop.heal()
    const pid = (await starts()).at(-1) ?? ''
    expect([await stateOf(pid), on.engine.doubts]).toEqual(['S', []])
  })

  it('never take the way to the host for a target', async () => {
    await using on = await bedBench(bed())
    const { name: host } = bed().hosts.a
    await expect(on.engine.inject(processKeptDown({ host, pattern: 'sshd', all: true }))).rejects.toThrow(
      /never touched: our own connection|No process/,
    )
  })

  it('are continued by their host when nobody can reach it any more', async () => {
    await using on = await kept()
    const [pid = ''] = await starts()
    await on.engine.inject(processHang({ host: bed().hosts.a.name, pattern: VICTIM }))
    await bed().cutManagement('a')
    try {
      await eventually(
        async () => {
          const state = await stateOf(pid)
          return state === 'S' ? { done: true, value: state } : { done: false, seen: state }
        },
        { within: '15s', every: '100ms', describe: 'the process to go on' },
      )
    } finally {
      await bed().restoreManagement('a')
    }
    await on.engine.healAll('the test is over')
    expect(on.engine.doubts.join()).toMatch(/undone the fault by itself|ended before it was healed/)
  })
})
