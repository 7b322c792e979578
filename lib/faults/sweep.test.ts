import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { localShell, type Shell } from '../hosts/index.ts'
import { processLives } from '../hosts/testing/process-lives.ts'
import { armLease, type LeaseOptions } from './lease.ts'
import type { LeftoverScan } from './leftovers.ts'
import { sweep } from './sweep.ts'
import {
  hostShells,
  killAll,
  linesOf,
  marked as markedIn,
  notedShell,
  testRoot,
  watcherOf,
} from './testing/lease-host.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const root = testRoot()
afterAll(() => rmSync(root, { recursive: true, force: true }))
const marked = (shell: Shell, more: Partial<LeaseOptions> = {}) => markedIn(root, shell, more)

describe.each(hostShells(root))('sweep on a host whose sh is $name', ({ name, path }) => {
  const shell = localShell({ env: { PATH: path } })

  it('undoes what a reboot or a killed watcher left, and leaves alone what is held', async () => {
    const directory = join(root, `swept-${name}`)
    const armed = await Promise.all(
      ['held', 'rebooted', 'unwatched'].map(async (id) => {
        const { file, options } = marked(shell, { directory, id, ttl: '60s', title: `a fault that was ${id}` })
        return { id, file, lease: await armLease(options) }
      }),
    )
    const [held, rebooted, unwatched] = armed
    if (!held || !rebooted || !unwatched) throw new Error('three were armed')
    for (const { lease } of [rebooted, unwatched]) {
      lease.abandon()
      process.kill(watcherOf(lease), 'SIGKILL')
    }
    writeFileSync(join(rebooted.lease.path, 'deadline'), `another-boot ${Number.MAX_SAFE_INTEGER}\n`)
    for (const id of ['being-armed', 'never-armed']) mkdirSync(join(directory, id))
    utimesSync(join(directory, 'never-armed'), 0, 0)

    const found = await sweep(directory, { shell, scans: [] })
    expect(found).toMatchObject([
      { id: 'being-armed', state: 'held' },
      { id: 'held', state: 'held', title: 'a fault that was held' },
      { id: 'never-armed', state: 'removed' },
      { id: 'rebooted', state: 'undone' },
      { id: 'unwatched', state: 'undone' },
    ])
    expect([held, rebooted, unwatched].map(({ file }) => linesOf(file))).toEqual([0, 1, 1])
    expect(await sweep(directory, { shell, scans: [], force: true })).toMatchObject([
      { id: 'being-armed', state: 'removed' },
      { id: 'held', state: 'undone' },
    ])
    expect(linesOf(held.file)).toBe(1)
    expect(await sweep(directory, { shell, scans: [] })).toEqual([])
  })

  it('finds nothing where no lease ever was', async () => {
    expect(await sweep(join(root, 'nowhere'), { shell, scans: [] })).toEqual([])
  })

  it('takes odd names for what they are', async () => {
    const directory = join(root, `odd names ${name}`)
    mkdirSync(join(directory, "it's; $(id)"), { recursive: true })
    writeFileSync(join(directory, 'a file'), '')
    chmodSync(directory, 0o700)
    expect(await sweep(directory, { shell, scans: [], force: true })).toMatchObject([
      { id: "it's; $(id)", state: 'removed' },
    ])
    expect(existsSync(join(directory, 'a file'))).toBe(true)
  })

  it('tells who holds what, where and for how long, in one call however many leases there are', async () => {
    const directory = join(root, `held-${name}`)
    const { shell: noted, calls } = notedShell(shell)
    const about = { directory, ttl: '60s', environment: 'dc-east-west', holder: 'alice@build-7 pid 42 run r1' } as const
    const leases = await Promise.all(Array.from({ length: 12 }, () => armLease(marked(shell, about).options)))
    const found = await sweep(directory, { shell: noted, scans: [] })
    expect(found).toHaveLength(12)
    expect(calls).toHaveLength(1)
    for (const lease of found) {
      expect(lease).toMatchObject({ state: 'held', environment: 'dc-east-west', holder: about.holder })
      expect(Math.abs(Date.now() - Date.parse(lease.since ?? ''))).toBeLessThan(60_000)
      expect(lease.ageMs).toBeGreaterThanOrEqual(0)
      expect(lease.ageMs).toBeLessThan(60_000)
    }
    for (const lease of leases) lease.abandon()
    calls.length = 0
    expect((await sweep(directory, { shell: noted, scans: [], force: true })).map(({ state }) => state)).toEqual(
      Array.from({ length: 12 }, () => 'undone'),
    )
    expect(calls.length).toBeLessThanOrEqual(5)
    expect(readdirSync(directory)).toEqual([])
  })

  it('goes on with the others when one undo hangs, and says what failed', async () => {
    const directory = join(root, `hanging-${name}`)
    const hang = { steps: [{ undo: { script: 'echo stuck; sleep 300' } }], ttl: '60s' } as const
    const armed = await Promise.all(
      [hang, {}, {}].map((more, i) => armLease(marked(shell, { directory, id: `l${i}`, ...more }).options)),
    )
    for (const lease of armed) lease.abandon()
    const found = await sweep(directory, { shell, scans: [], force: true, within: '2s' })
    expect(found.map(({ id, state }) => [id, state])).toEqual([
      ['l0', 'failed'],
      ['l1', 'undone'],
      ['l2', 'undone'],
    ])
    expect(found[0]?.detail).toContain('in vain')
    killAll(sessionsWith(join(directory, 'l0')))
  })

  it('undoes what was left without a lease, and leaves alone what a living lease owns, wherever that lies', async () => {
    const things = mkdtempSync(join(root, 'things-'))
    const scan: LeftoverScan = {
      name: 'things',
      script: `for f in '${things}'/failover_*; do [ -e "$f" ] || continue; id=\${f##*_}
        printf '%s\\t%s\\t%s\\n' "\${id%%.*}" "thing $id" "rm -f '$f'; echo removed \${f##*/}"; done`,
    }
    const put = (id: string): void => writeFileSync(join(things, `failover_${id}`), '')
    const directory = join(root, `orphans-${name}`)
    const arm = (id: string, more: Partial<LeaseOptions> = {}) =>
      armLease(marked(shell, { directory, id, ttl: '60s', ...more }).options)
    const here = await arm('network-partition-11111111.east')
    const elsewhere = await arm('latency-22222222.east', { directory: join(root, `elsewhere-${name}`) })
    for (const id of ['11111111', '22222222', '33333333', '33333333.b']) put(id)
    const look = (force = false) => sweep(directory, { shell, force, scans: [nothing, scan] })
    expect(await look()).toMatchObject([
      { id: here.id, state: 'held' },
      { id: '33333333', title: 'thing 33333333', state: 'orphan', detail: 'removed failover_33333333' },
      { id: '33333333', title: 'thing 33333333.b', state: 'orphan' },
    ])
    expect(readdirSync(things)).toEqual(['failover_11111111', 'failover_22222222'])

    // Nobody can tell whose this is: while anybody is at it, it may be theirs.
    put('*')
    expect(await look()).toHaveLength(1)
    await here.undo('test', { within: '10s' })
    await here.release()
    // Its lease is gone and it is still there: that lease did not undo it.
    expect(await look()).toMatchObject([{ id: '11111111', state: 'orphan' }])
    expect(await look(true)).toMatchObject([{ id: '*', state: 'orphan' }])
    expect(readdirSync(things)).toEqual(['failover_22222222'])
    await elsewhere.undo('test', { within: '10s' })
    await elsewhere.release()
    expect(await look()).toMatchObject([{ id: '22222222', state: 'orphan' }])
    expect(readdirSync(things)).toEqual([])
  })

  it('says which leftover is still there after its undo', async () => {
    const stubborn = (undo: string): LeftoverScan => ({
      name: 'stubborn',
      script: `printf '%s\\t%s\\t%s\\n' 44444444 'a table' '${undo}'`,
    })
    const look = (undo: string) => sweep(join(root, 'none'), { shell, scans: [stubborn(undo)] })
    expect(await look('true')).toMatchObject([{ state: 'failed', detail: 'it is still there' }])
    expect(await look('echo no way >&2; exit 3')).toMatchObject([{ state: 'failed', detail: 'no way' }])
  })
})

/** A scan of a tool that is not there. */
const nothing: LeftoverScan = { name: 'nothing', script: 'command -v no-such-tool >/dev/null || exit 0; no-such-tool' }

/** Processes whose command line tells of a directory. */
function sessionsWith(path: string): readonly number[] {
  const said = execFileSync('/bin/sh', ['-c', 'grep -laF "$1" /proc/[0-9]*/cmdline 2>/dev/null; true', 'sh', path])
  const pids = said.toString().match(/\d+/g) ?? []
  return pids.map(Number).filter((pid) => pid !== process.pid && processLives(pid))
}
