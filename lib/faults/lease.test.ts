import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { bundleProgram } from '../bundle/index.ts'
import { now } from '../core/index.ts'
import { localShell, type Shell } from '../hosts/index.ts'
import { processLives } from '../hosts/testing/process-lives.ts'
import { LeaseRefusedError } from './errors.ts'
import { armLease, undoByHand, type LeaseOptions } from './lease.ts'
import { sweep } from './sweep.ts'
import {
  hostShells,
  linesOf,
  marked as markedIn,
  notedShell,
  testRoot,
  until,
  watcherOf,
} from './testing/lease-host.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const root = testRoot()
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** What a busy machine may add: the tests show that it happens, not that the machine is idle. */
const BUSY_MS = 2000

const marked = (shell: Shell, more: Partial<LeaseOptions> = {}) => markedIn(root, shell, more)

describe.each(hostShells(root))('a lease on a host whose sh is $name', ({ path }) => {
  const shell = localShell({ env: { PATH: path } })

  it('holds for as long as it is renewed, and ends by itself when it is not', async () => {
    const { file, options } = marked(shell)
    const lease = await armLease(options)
    const start = now()
    await until('more than two times to live to pass', () => now() - start > 4200)
    expect(linesOf(file)).toBe(0)
    const watcher = watcherOf(lease)
    lease.abandon()
    const abandoned = now()
    await until('the host to undo it', () => existsSync(join(lease.path, 'undone')))
    expect(now() - abandoned).toBeLessThan(2000 + BUSY_MS)
    expect(linesOf(file)).toBe(1)
    expect(readFileSync(join(lease.path, 'undone'), 'utf8').trim()).toBe('watcher')
    await until('the watcher to end', () => !processLives(watcher))
    await lease.release()
    expect(existsSync(lease.path)).toBe(false)
  })

  it('is undone once, however often and by how many it is asked at the same time', async () => {
    const { file, options } = marked(shell, { ttl: '30s' })
    const lease = await armLease(options)
    const watcher = watcherOf(lease)
    const results = await Promise.all([1, 2, 3].map((n) => lease.undo(`caller ${n}`, { within: '10s' })))
    expect(results.map((result) => result.code)).toEqual([0, 0, 0])
    expect(linesOf(file)).toBe(1)
    await lease.release()
    await until('the watcher to end', () => !processLives(watcher))
  })

  it('tells its holder when the host has undone it', async () => {
    const lost: Error[] = []
    // The holder's renewals fail: the host no longer finds the way to it, as when a connection is cut.
    let cut = false
    const cuttable: Shell = {
      ...shell,
      run: (command, runOptions) => {
        const isRenewal = !('script' in command) && command.includes('renew')
        return shell.run(cut && isRenewal ? ['false'] : command, runOptions)
      },
    }
    const { file, options } = marked(cuttable, { ttl: '900ms', onLost: (error) => lost.push(error) })
    const lease = await armLease(options)
    cut = true
    await until('the undo', () => linesOf(file) === 1)
    cut = false
    await until('the holder to know', () => lost.length === 1)
    expect(lost[0]?.message).toMatch(/renewed (for|within) 900ms.*has undone/)
    await lease.release()
  })

  it('is kept by the next renewals while one is stuck on its way', async () => {
    const lost: Error[] = []
    let asked = 0
    const stuck: Shell = {
      ...shell,
      run: (command, runOptions) => {
        const isRenewal = !('script' in command) && command.includes('renew')
        if (!isRenewal || ++asked > 1) return shell.run(command, runOptions)
        return new Promise((_, reject) => {
          runOptions.signal?.addEventListener('abort', () => reject(new Error('it was given up')), { once: true })
        })
      },
    }
    const { file, options } = marked(stuck, { ttl: '2s', onLost: (error) => lost.push(error) })
    const lease = await armLease(options)
    await until('renewals for twice its time to live', () => asked >= 10)
    expect(lost).toEqual([])
    expect(linesOf(file)).toBe(0)
    await lease.undo('test', { within: '20s' })
    await lease.release()
  })

  it('goes on trying when its undo fails, and a sweep says so', async () => {
    const directory = mkdtempSync(join(root, 'failing-'))
    const { file, options } = marked(shell, { directory, ttl: '400ms' })
    const allow = `${file}.allow`
    const undo = {
      script: 'test -e "$2" || { echo "still broken" >&2; exit 9; }; echo undone >>"$1"',
      args: [file, allow],
    }
    const lease = await armLease({ ...options, steps: [{ undo }] })
    lease.abandon()
    await until('the first attempt', () => existsSync(join(lease.path, 'failed')))
    expect(await sweep(directory, { shell, scans: [] })).toMatchObject([
      { state: 'failed', detail: expect.stringContaining('still broken') },
    ])
    writeFileSync(allow, '')
    await until('a later attempt', () => linesOf(file) === 1)
    await lease.release()
  })
})

describe('a lease', () => {
  const shell = localShell()

  it('can be undone from its files alone, last step first', async () => {
    const { file, options } = marked(shell, { ttl: '30s' })
    const note = (word: string) => ({ undo: { script: 'echo "$2" >>"$1"', args: [file, word] } })
    const lease = await armLease({ ...options, steps: [note('first'), note("second's")] })
    execFileSync('sh', [join(lease.path, 'undo.sh')])
    expect(readFileSync(file, 'utf8')).toBe("second's\nfirst\n")
    execFileSync('sh', ['-c', undoByHand(lease.path)])
    expect(linesOf(file)).toBe(4)
    await lease.release()
  })

  it('keeps what its undo needs for its owner only, and no longer than that', async () => {
    const { options } = marked(shell, { ttl: '30s' })
    const undo = { script: 'test "$(cat "$LEASE/file.key")" = hunter2' }
    const lease = await armLease({ ...options, steps: [{ undo, undoFiles: [{ name: 'key', content: 'hunter2' }] }] })
    expect(statSync(join(lease.path, 'file.key')).mode & 0o777).toBe(0o600)
    expect(statSync(lease.path).mode & 0o777).toBe(0o700)
    expect(await lease.undo('test', { within: '10s' })).toMatchObject({ code: 0 })
    expect(existsSync(join(lease.path, 'file.key'))).toBe(false)
    await lease.release()
  })

  it('is armed in one call, undone in one, and hands no secret over as an argument', async () => {
    const { shell: noted, calls } = notedShell(shell)
    const { options } = marked(noted, { ttl: '30s' })
    const secret = `hunter2 ${"'".repeat(300)}\0\u00e9`
    const big = Buffer.alloc(300_000, 'x')
    const undo = {
      script: 'cmp "$LEASE/file.key" "$1" && [ $(wc -c <"$LEASE/file.big") -eq 300000 ]',
      args: [join(root, 'key')],
    }
    writeFileSync(join(root, 'key'), secret)
    const long = { undo: { script: `: ${'y'.repeat(120_000)}` } }
    const undoFiles = [
      { name: 'key', content: secret },
      { name: 'big', content: big },
    ]
    const lease = await armLease({ ...options, steps: [{ undo, undoFiles }, long] })
    expect(calls).toHaveLength(1)
    expect(calls.flat().join().length).toBeLessThan(60_000)
    expect(calls.flat().join()).not.toContain('hunter2')
    expect(lease).toMatchObject({ watcher: 'setsid', clock: 'uptime' })
    expect(await lease.undo('test', { within: '10s' })).toMatchObject({ code: 0, stdout: '' })
    expect(calls).toHaveLength(2)
    await lease.release()
  })

  it('of the same name is refused, and what was there stays', async () => {
    const { options } = marked(shell, { ttl: '30s' })
    const lease = await armLease(options)
    await expect(armLease(options)).rejects.toThrow(LeaseRefusedError)
    expect(existsSync(join(lease.path, 'undo.sh'))).toBe(true)
    await lease.undo('test', { within: '10s' })
    await lease.release()
  })

  it('can be armed fifty times at once', async () => {
    const all = Array.from({ length: 50 }, () => marked(shell, { ttl: '60s', within: '60s' }))
    const leases = await Promise.all(all.map(({ options }) => armLease(options)))
    expect(new Set(leases.map(watcherOf)).size).toBe(50)
    expect(leases.map(watcherOf).filter((pid) => !processLives(pid))).toEqual([])
    const undone = await Promise.all(leases.map((lease) => lease.undo('test', { within: '60s' })))
    expect(undone.filter(({ code }) => code !== 0)).toEqual([])
    expect(all.map(({ file }) => linesOf(file)).filter((lines) => lines !== 1)).toEqual([])
    await Promise.all(leases.map((lease) => lease.release()))
  }, 120_000)

  it('is not armed where it cannot be written', async () => {
    const blocked = join(root, 'not-a-directory')
    writeFileSync(blocked, '')
    await expect(armLease(marked(shell, { directory: join(blocked, 'leases') }).options)).rejects.toThrow(
      LeaseRefusedError,
    )
  })

  it('is not armed on a full disk, and leaves nothing there', async () => {
    const { options } = marked(shell)
    const full: Shell = {
      ...shell,
      run: (command, runOptions) => {
        if (!('script' in command) || !command.script.includes('cat')) return shell.run(command, runOptions)
        // A file size limit of one block makes writes fail as a full disk does.
        return shell.run({ ...command, script: `ulimit -f 1; trap '' XFSZ; ${command.script}` }, runOptions)
      },
    }
    await expect(armLease({ ...options, shell: full })).rejects.toThrow(/could not be armed.*nothing was changed/)
    expect(existsSync(join(options.directory, options.id))).toBe(false)
  })

  it('outlives its runner and the runner’s process group, and holds none of the runner’s pipes', async () => {
    const file = join(root, 'mark of the killed')
    const program = await bundleProgram(join(import.meta.dirname, 'lease-holder.test.main.ts'))
    const holder = spawn(process.execPath, [program, join(root, 'killed'), 'of-killed', '3s', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    let said = ''
    holder.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const closed = once(holder, 'close')
    await until('the lease to be armed and renewed', () => said.includes('armed'), '20s')
    process.kill(-(holder.pid ?? Number.NaN), 'SIGKILL')
    const killed = now()
    await closed
    expect(now() - killed).toBeLessThan(BUSY_MS)
    expect(linesOf(file)).toBe(0)
    await until('the host to undo it', () => linesOf(file) === 1)
    expect(now() - killed).toBeLessThan(3000 + BUSY_MS)
  })
})
