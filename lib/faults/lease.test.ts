import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { bundleProgram } from '../bundle/index.ts'
import { eventually, now, type Duration } from '../core/index.ts'
import { localShell, type Shell } from '../hosts/index.ts'
import { LeaseRefusedError } from './errors.ts'
import { armLease, undoByHand, type HeldLease, type LeaseOptions } from './lease.ts'
import { sweep } from './sweep.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const root = mkdtempSync(join(tmpdir(), 'failover-lease-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const SHELLS = ['dash', 'bash', 'busybox'].flatMap((name) => {
  try {
    const path = execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim()
    const bin = join(root, `bin-${name}`)
    mkdirSync(bin, { recursive: true })
    symlinkSync(path, join(bin, 'sh'))
    return [{ name, bin }]
  } catch {
    return []
  }
})

/** What a busy machine may add: the tests show that it happens, not that the machine is idle. */
const BUSY_MS = 2000

let count = 0
/** A lease whose undo appends a line to a file: what it does can be counted. */
function marked(shell: Shell, more: Partial<LeaseOptions> = {}): { file: string; options: LeaseOptions } {
  const file = join(root, `mark ${++count}'s`)
  const options = {
    shell,
    directory: join(root, 'leases'),
    id: `lease-${count}`,
    title: `mark ${count}`,
    steps: [{ undo: { script: 'echo undone >>"$1"', args: [file] } }],
    ttl: '2s',
    ...more,
  } satisfies LeaseOptions
  return { file, options }
}

const linesOf = (file: string): number => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0)

async function until(what: string, check: () => boolean | Promise<boolean>, within: Duration = '10s'): Promise<void> {
  await eventually(async () => ((await check()) ? { done: true, value: true } : { done: false, seen: 'not yet' }), {
    within,
    every: '20ms',
    describe: what,
  })
}

const watcherOf = (lease: HeldLease): number => Number(readFileSync(join(lease.path, 'watcher'), 'utf8'))

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !existsSync(`/proc/${pid}/stat`) || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe.each(SHELLS)('a lease on a host whose sh is $name', ({ bin }) => {
  const shell = localShell({ env: { PATH: `${bin}:${process.env['PATH']}` } })

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
    expect(readFileSync(join(lease.path, 'undone'), 'utf8')).toBe('watcher\n')
    await until('the watcher to end', () => !isAlive(watcher))
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
    await until('the watcher to end', () => !isAlive(watcher))
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
    expect(lost[0]?.message).toMatch(/not renewed within 900ms.*has undone/)
    await lease.release()
  })

  it('goes on trying when its undo fails, and a sweep says so', async () => {
    const directory = join(root, `leases-${count + 1}-failing`)
    const { file, options } = marked(shell, { directory, ttl: '400ms' })
    const allow = `${file}.allow`
    const undo = {
      script: 'test -e "$2" || { echo "still broken" >&2; exit 9; }; echo undone >>"$1"',
      args: [file, allow],
    }
    const lease = await armLease({ ...options, steps: [{ undo }] })
    lease.abandon()
    await until('the first attempt', () => existsSync(join(lease.path, 'failed')))
    expect(await sweep(directory, { shell })).toMatchObject([
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
    const program = await bundleProgram(join(import.meta.dirname, 'lease-holder.main.ts'))
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

describe('sweep', () => {
  const shell = localShell()

  it('undoes what a reboot or a killed watcher left, and leaves alone what is held', async () => {
    const directory = join(root, 'swept')
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

    const found = await sweep(directory, { shell })
    expect(found).toMatchObject([
      { id: 'being-armed', state: 'held' },
      { id: 'held', state: 'held', title: 'a fault that was held' },
      { id: 'never-armed', state: 'removed' },
      { id: 'rebooted', state: 'undone' },
      { id: 'unwatched', state: 'undone' },
    ])
    expect([held, rebooted, unwatched].map(({ file }) => linesOf(file))).toEqual([0, 1, 1])
    expect(await sweep(directory, { shell, force: true })).toMatchObject([
      { id: 'being-armed', state: 'removed' },
      { id: 'held', state: 'undone' },
    ])
    expect(linesOf(held.file)).toBe(1)
    expect(await sweep(directory, { shell })).toEqual([])
  })

  it('finds nothing where no lease ever was', async () => {
    expect(await sweep(join(root, 'nowhere'), { shell })).toEqual([])
  })

  it('takes odd names for what they are', async () => {
    const directory = join(root, 'odd names')
    mkdirSync(join(directory, "it's; $(id)"), { recursive: true })
    writeFileSync(join(directory, 'a file'), '')
    chmodSync(directory, 0o700)
    expect(await sweep(directory, { shell, force: true })).toMatchObject([{ id: "it's; $(id)", state: 'removed' }])
    expect(existsSync(join(directory, 'a file'))).toBe(true)
  })
})
