/** Leases over real SSH: what they cost in round trips, and that they outlive every way in which the connection can end. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually, now, type Duration } from '../../lib/core/index.ts'
import { armLease, sweep, type HeldLease, type LeaseOptions } from '../../lib/faults/index.ts'
import { openShell, type Shell } from '../../lib/hosts/index.ts'
import { notedShell } from '../../lib/faults/testing/lease-host.ts'
import type { MachineName } from './beds/bed.ts'
import { needsBed } from './beds/need.ts'
import { startSshdBed } from './beds/sshd.ts'

const bed = needsBed('sshd', startSshdBed)
let shell: Shell
let lost: Error[]

beforeEach(() => {
  shell = openShell(bed().hosts.a)
  lost = []
})
afterEach(() => shell[Symbol.asyncDispose]())

let count = 0
/** A lease on machine `a`, with the file that its fault is. */
function faultFile(more: Partial<LeaseOptions> = {}): { readonly file: string; readonly options: LeaseOptions } {
  const file = `/mnt/state/fault-${++count}`
  const options = {
    shell,
    directory: bed().hosts.a.leaseDirectory,
    id: `lease-${count}`,
    title: `a file ${count}`,
    environment: 'bed',
    steps: [{ undo: ['rm', '-f', file] }],
    ttl: '3s',
    onLost: (error) => lost.push(error),
    ...more,
  } satisfies LeaseOptions
  return { file, options }
}

const isThere = async (file: string, name: MachineName = 'a'): Promise<boolean> =>
  (await bed().exec(name, ['test', '-e', file])).code === 0

async function until(what: string, check: () => Promise<boolean> | boolean, within: Duration = '20s'): Promise<void> {
  await eventually(async () => ((await check()) ? { done: true, value: true } : { done: false, seen: 'not yet' }), {
    within,
    every: '50ms',
    describe: what,
  })
}

/** Connections to the SSH server of machine `a`, by its kernel. */
async function connections(): Promise<number> {
  const { shell: settings } = bed().hosts.a
  if (settings.kind !== 'ssh') throw new Error('the bed is reached over SSH')
  const port = (settings.port ?? 22).toString(16).toUpperCase().padStart(4, '0')
  const { stdout } = await bed().exec('a', ['cat', '/proc/net/tcp', '/proc/net/tcp6'])
  return stdout.split('\n').filter((line) => new RegExp(`^\\s*\\d+: \\w+:${port} \\w+:\\w+ 01 `).test(line)).length
}

async function cleanUp(lease: HeldLease): Promise<void> {
  await lease.undo('test', { within: '20s' })
  await lease.release()
}

describe('a lease over SSH', () => {
  it('is armed in one round trip beside the change itself', async () => {
    const { shell: noted, calls } = notedShell(shell)
    await noted.run(['true'], { within: '10s' })
    const samples: number[] = []
    const bare: number[] = []
    for (let i = 0; i < 5; i++) {
      const before = now()
      await noted.run(['true'], { within: '10s' })
      bare.push(now() - before)
      calls.length = 0
      const { file, options } = faultFile({ shell: noted, ttl: '60s' })
      const from = now()
      const lease = await armLease(options)
      await noted.run(['touch', file], { within: '10s' })
      samples.push(now() - from)
      expect(calls).toHaveLength(2)
      await cleanUp(lease)
      expect(await isThere(file)).toBe(false)
    }
    const median = (all: number[]): number => all.toSorted((x, y) => x - y)[2] ?? Number.NaN
    console.log(`arm + inject ${median(samples).toFixed(1)}ms, a bare exec ${median(bare).toFixed(1)}ms`)
  })

  it('is renewed over the connection that armed it', async () => {
    const { file, options } = faultFile({ ttl: '5s' })
    const lease = await armLease(options)
    await shell.run(['touch', file], { within: '10s' })
    expect(await connections()).toBe(1)
    const start = now()
    await until('two times to live to pass', () => now() - start > 10_000)
    expect(await isThere(file)).toBe(true)
    expect(await connections()).toBe(1)
    expect(lost).toEqual([])
    await cleanUp(lease)
  })

  it('can be armed on one connection by many at once', async () => {
    const all = Array.from({ length: 20 }, () => faultFile({ ttl: '60s', within: '60s' }))
    const leases = await Promise.all(all.map(({ options }) => armLease(options)))
    expect(await connections()).toBe(1)
    const found = await sweep(bed().hosts.a.leaseDirectory, { shell })
    expect(found.filter(({ state }) => state === 'held')).toHaveLength(20)
    expect(found[0]).toMatchObject({ environment: 'bed', holder: expect.stringContaining(`pid ${process.pid}`) })
    await Promise.all(leases.map(cleanUp))
    expect(await sweep(bed().hosts.a.leaseDirectory, { shell })).toEqual([])
  })

  it('is undone by the host when the SSH session is closed', async () => {
    const { file, options } = faultFile()
    const lease = await armLease(options)
    await shell.run(['touch', file], { within: '10s' })
    await shell[Symbol.asyncDispose]()
    lease.abandon()
    await until('the connection to be gone', async () => (await connections()) === 0)
    expect(await isThere(file)).toBe(true)
    await until('the host to undo it', async () => !(await isThere(file)))
  })

  it('is undone by the host when sshd is killed with all its sessions, and its holder is told', async () => {
    const { file, options } = faultFile()
    const lease = await armLease(options)
    await shell.run(['touch', file], { within: '10s' })
    await bed().killSshd('a')
    const killed = now()
    expect(await isThere(file)).toBe(true)
    await until('the host to undo it', async () => !(await isThere(file)))
    expect(now() - killed).toBeLessThan(3000 + 3000)
    await bed().startSshd('a')
    await until('the holder to be told', () => lost.length === 1, '30s')
    // By the host once it answers again, or by the holder's own clock, whichever is sooner.
    expect(lost[0]?.message).toMatch(/renewed (within|for) 3\.00s.*, so \S+ has undone the fault by itself/)
    await lease.release()
  })

  it('is undone by the host when the fault itself has cut the way to it', async () => {
    const table = 'failover_lease_test'
    const { options } = faultFile({
      steps: [
        { undo: { script: 'nft delete table inet "$1" 2>/dev/null || ! nft list table inet "$1"', args: [table] } },
      ],
    })
    const before = await bed().exec('a', ['nft', 'list', 'ruleset'])
    const lease = await armLease(options)
    // Everything that comes in over the management network is dropped, our own connection first of all.
    const cut = `nft add table inet "$1" && nft add chain inet "$1" in '{ type filter hook input priority -10; }' && nft add rule inet "$1" in iifname mgmt0 drop`
    const injected = shell.run({ script: cut, args: [table] }, { within: '2s' }).then(
      () => 'answered',
      () => 'cut off',
    )
    await until('the cut', async () => (await bed().exec('a', ['nft', 'list', 'table', 'inet', table])).code === 0)
    const from = now()
    await until(
      'the host to undo it',
      async () => (await bed().exec('a', ['nft', 'list', 'table', 'inet', table])).code !== 0,
    )
    expect(now() - from).toBeLessThan(3000 + 3000)
    expect((await bed().exec('a', ['nft', 'list', 'ruleset'])).stdout).toBe(before.stdout)
    await injected
    // The way is free again: the holder gets to know what happened.
    await until('the holder to be told', () => lost.length === 1, '30s')
    await lease.release()
  })

  it('holds through a silence that is shorter than its time to live', async () => {
    const { file, options } = faultFile({ ttl: '12s' })
    const lease = await armLease(options)
    await shell.run(['touch', file], { within: '10s' })
    await bed().cutManagement('a')
    const start = now()
    await until('a while of silence', () => now() - start > 2500)
    await bed().restoreManagement('a')
    await until('more than its time to live to pass', () => now() - start > 14_000, '30s')
    expect(await isThere(file)).toBe(true)
    expect(lost).toEqual([])
    await cleanUp(lease)
  })
})
