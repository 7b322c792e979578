/** Leases on a host that systemd runs: watched by a unit of its own, which no end of a session takes away. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/core/index.ts'
import { armLease, sweep, type HeldLease } from '../../lib/faults/index.ts'
import { openShell, type Shell } from '../../lib/hosts/index.ts'
import { needsBed } from './beds/need.ts'
import { startSystemdBed } from './beds/systemd.ts'

describe('a lease on a host that systemd runs', () => {
  const bed = needsBed(['docker', 'systemd'], startSystemdBed)
  let shell: Shell
  beforeEach(() => {
    shell = openShell(bed().host)
  })
  afterEach(() => shell[Symbol.asyncDispose]())

  const run = (...command: readonly string[]) => shell.run(command, { within: '20s' })
  let count = 0
  async function armed(ttl: '2s' | '60s'): Promise<{ readonly lease: HeldLease; readonly file: string }> {
    const id = `bench-${++count}`
    const file = `/var/tmp/${id}`
    const lease = await armLease({
      shell,
      directory: bed().host.leaseDirectory,
      id,
      title: `a file ${id}`,
      steps: [{ undo: ['rm', '-f', file] }],
      ttl,
      within: '20s',
    })
    await run('touch', file)
    return { lease, file }
  }
  const stateOf = async ({ id }: HeldLease): Promise<string> =>
    (await run('systemctl', 'is-active', `failover-${id}`)).stdout.trim()
  const undone = (file: string) =>
    eventually(
      async () =>
        (await run('test', '-e', file)).code === 0 ? { done: false, seen: 'it is there' } : { done: true, value: true },
      { within: '20s', every: '100ms', describe: `${file} to be removed` },
    )

  it('is watched by a unit, which ends with it', async () => {
    const { lease, file } = await armed('60s')
    expect(lease.watcher).toBe('systemd')
    expect(await stateOf(lease)).toBe('active')
    await lease.undo('test', { within: '20s' })
    await lease.release()
    expect((await run('test', '-e', file)).code).toBe(1)
    await eventually(
      async () => {
        const state = await stateOf(lease)
        return state === 'inactive' ? { done: true, value: state } : { done: false, seen: state }
      },
      { within: '10s', every: '100ms', describe: 'the unit to end' },
    )
  })

  it('is undone by its unit when nobody renews it, and leaves no failed unit', async () => {
    const { lease, file } = await armed('2s')
    lease.abandon()
    await undone(file)
    const directory = bed().host.leaseDirectory
    expect(await sweep(directory, { shell, scans: [] })).toMatchObject([{ state: 'removed' }])
    expect((await run('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'failover-*')).stdout).toBe('')
  })

  it('is undone when its unit is stopped, as at a shutdown', async () => {
    const { lease, file } = await armed('60s')
    await run('systemctl', 'stop', `failover-${lease.id}`)
    await undone(file)
    lease.abandon()
    await lease.release()
  })
})
