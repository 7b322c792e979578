/** Leases on a host that systemd runs: watched by a unit of its own, which no end of a session takes away. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../lib/core/index.ts'
import { armLease, sweep, type HeldLease } from '../../lib/faults/index.ts'
import { openShell, type Shell } from '../../lib/hosts/index.ts'
import { needsBed } from './beds/need.ts'
import { startSystemdBed, type SystemdUser } from './beds/systemd.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

describe('a lease on a host that systemd runs', () => {
  const bed = needsBed(['docker', 'systemd'], startSystemdBed)
  let shell: Shell
  beforeEach(() => {
    shell = openShell(bed().host)
  })
  afterEach(() => shell[Symbol.asyncDispose]())

  const run = (...command: readonly string[]) => shell.run(command, { within: '20s' })
  let count = 0
  async function armed(
    ttl: '2s' | '60s',
    { on = shell, directory = bed().host.leaseDirectory } = {},
  ): Promise<{ readonly lease: HeldLease; readonly file: string }> {
    const id = `bench-${++count}`
    const file = `/var/tmp/${id}`
    const lease = await armLease({
      shell: on,
      directory,
      id,
      title: `a file ${id}`,
      steps: [{ undo: ['rm', '-f', file] }],
      ttl,
      within: '20s',
    })
    await on.run(['touch', file], { within: '20s' })
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

  describe('whose logind ends with a session what was started in it', () => {
    const logIn = (user: SystemdUser) => {
      const host = bed().logins[user]
      return { on: openShell(host), directory: host.leaseDirectory }
    }
    const sessionsEnd = (user: SystemdUser) =>
      eventually(
        async () => {
          // A user who is gone has none; one who is spared is closing as long as there are processes.
          const { stdout } = await run('loginctl', 'show-user', user, '--property=State', '--value')
          const state = stdout.trim()
          return /active|online/.test(state) ? { done: false, seen: state } : { done: true, value: state }
        },
        { within: '30s', every: '100ms', describe: `the session of ${user} to end` },
      )
    const ended = async ({ lease, on }: { lease: HeldLease; on: Shell }, user: SystemdUser): Promise<void> => {
      lease.abandon()
      await on[Symbol.asyncDispose]()
      await sessionsEnd(user)
    }
    const undoneBy = async ({ path }: HeldLease) => (await run('cat', `${path}/undone`)).stdout.trim()

    it('is undone as the session ends, where the watcher would be ended with it', async () => {
      const { on, directory } = logIn('plain')
      const { lease, file } = await armed('60s', { on, directory })
      expect(lease.watcher).toBe('setsid')
      await ended({ lease, on }, 'plain')
      await undone(file)
      expect(await undoneBy(lease)).toBe('watcher')
    })

    it.each([
      { user: 'lingering', watcher: 'systemd-user' },
      { user: 'spared', watcher: 'setsid' },
    ] as const)('is watched by $watcher for the user $user, beyond the session', async ({ user, watcher }) => {
      const { on, directory } = logIn(user)
      const { lease, file } = await armed('60s', { on, directory })
      expect(lease.watcher).toBe(watcher)
      await ended({ lease, on }, user)
      expect((await run('sh', `${lease.path}/lease.sh`, 'status')).stdout).toBe('held\n')
      // As if its time had passed.
      await run('sh', '-c', 'read -r boot limit ttl <"$1"; echo "$boot 0 $ttl" >"$1"', 'sh', `${lease.path}/deadline`)
      await undone(file)
      expect(await undoneBy(lease)).toBe('watcher')
    })
  })
})
