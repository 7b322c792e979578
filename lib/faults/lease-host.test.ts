import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { messageOf, now } from '../core/index.ts'
import { localShell, type Shell } from '../hosts/index.ts'
import { processLives } from '../hosts/testing/process-lives.ts'
import { armLease, type LeaseOptions } from './lease.ts'
import { armingCall } from './lease-arming.ts'
import { LEASE_SCRIPT } from './lease-script.ts'
import {
  canUnshare,
  hostShells,
  killAll,
  linesOf,
  marked as markedIn,
  pathOf,
  plant,
  sessionOf,
  shellThrough,
  testRoot,
  undoneBy,
  until,
  watcherOf,
} from './testing/lease-host.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const root = testRoot()
afterAll(() => rmSync(root, { recursive: true, force: true }))
const marked = (shell: Shell, more: Partial<LeaseOptions> = {}) => markedIn(root, shell, more)
const isRoot = canUnshare()

/** What a busy machine may add. */
const BUSY_MS = 2500

const statusOf = async (shell: Shell, path: string): Promise<string> =>
  (await shell.run(['sh', `${path}/lease.sh`, 'status'], { within: '10s' })).stdout.trim()

/** Mounts a small file system below the tests' directory, in a mount namespace of its own, for what a script does. */
const onSmallDisk = (path: string, size: string): Shell => {
  const small = join(root, 'small')
  mkdirSync(small, { recursive: true })
  return shellThrough(
    ['unshare', '-m', '/bin/sh', '-c', `mount -t tmpfs -o size=${size} none "$0" && shift 0 && exec "$@"`, small],
    path,
  )
}

describe.concurrent.each(hostShells(root))('the host side of a lease in $name', ({ path }) => {
  const shell = localShell({ env: { PATH: path } })

  it('gets a new watcher with the next renewal when its own was killed', async () => {
    const { file, options } = marked(shell, { ttl: '1500ms' })
    const lease = await armLease(options)
    const first = watcherOf(lease)
    process.kill(first, 'SIGKILL')
    await until('another watcher', () => watcherOf(lease) !== first && processLives(watcherOf(lease)))
    expect(linesOf(file)).toBe(0)
    lease.abandon()
    await until('the host to undo it', () => undoneBy(lease) === 'watcher')
    expect(linesOf(file)).toBe(1)
    await lease.release()
  })

  it('undoes at once when its watcher is asked to end, as at a shutdown', async () => {
    const { file, options } = marked(shell, { ttl: '60s' })
    const lease = await armLease(options)
    process.kill(watcherOf(lease), 'SIGHUP')
    process.kill(watcherOf(lease), 'SIGTERM')
    await until('the undo', () => undoneBy(lease) === 'watcher')
    expect(linesOf(file)).toBe(1)
    await lease.release()
  })

  it('has expired after a reboot, says so, and is undone by whoever comes first', async () => {
    const lost: string[] = []
    const { file, options } = marked(shell, { ttl: '60s', onLost: (error) => lost.push(messageOf(error)) })
    const lease = await armLease(options)
    process.kill(watcherOf(lease), 'SIGKILL')
    writeFileSync(join(lease.path, 'deadline'), `another-boot ${Number.MAX_SAFE_INTEGER} 6000\n`)
    expect(await statusOf(shell, lease.path)).toBe('expired by a reboot')
    const renewed = await shell.run(['sh', `${lease.path}/lease.sh`, 'renew', '6000'], { within: '10s' })
    expect(renewed).toMatchObject({ code: 75, stdout: 'reboot\n' })
    expect(linesOf(file)).toBe(1)
    expect(await statusOf(shell, lease.path)).toBe('undone reboot')
    expect(await lease.undo('test', { within: '10s' })).toMatchObject({ code: 0 })
    expect(lost).toEqual([expect.stringContaining('did not survive a reboot')])
    await lease.release()
  })

  it.each(['the watcher alone', 'the watcher and the undo'])('finishes an undo after SIGKILL of %s', async (whom) => {
    const gate = mkdtempSync(join(root, 'gate-'))
    const script = 'echo begun >>"$1/log"; until [ -e "$1/go" ]; do sleep 0.05; done; echo done >>"$1/log"'
    const { options } = marked(shell, { ttl: '1s', steps: [{ undo: { script, args: [gate] } }] })
    const lease = await armLease(options)
    lease.abandon()
    await until('the undo to begin', () => linesOf(join(gate, 'log')) === 1)
    const watcher = watcherOf(lease)
    // It leads its session, which holds its undo.
    killAll(whom === 'the watcher alone' ? [watcher] : sessionOf(watcher))
    const undo = lease.undo('test', { within: '20s' })
    // A second undo beside one that still runs would be two at once.
    if (whom !== 'the watcher alone') await until('a second undo', () => linesOf(join(gate, 'log')) === 2)
    else expect(await statusOf(shell, lease.path)).not.toMatch(/^undone/)
    writeFileSync(join(gate, 'go'), '')
    expect(await undo).toMatchObject({ code: 0 })
    const log = readFileSync(join(gate, 'log'), 'utf8').trim().split('\n').join(' ')
    expect(log).toBe(whom === 'the watcher alone' ? 'begun done begun done' : 'begun begun done')
    expect(undoneBy(lease)).toBe('test')
    await lease.release()
  })

  it('is not renewed once its undo has begun, even if that was cut short', async () => {
    const lost: Error[] = []
    const { options } = marked(shell, { ttl: '900ms', onLost: (error) => lost.push(error) })
    const lease = await armLease({ ...options, steps: [{ undo: { script: 'exit 9' } }] })
    // As if the watcher had been killed in mid-undo.
    writeFileSync(join(lease.path, 'begun'), 'watcher\n')
    await until('the holder to know', () => lost.length === 1)
    await shell.run(['rm', '-rf', lease.path], { within: '10s' })
  })

  it('counts on the uptime: the clock may step as it likes', async () => {
    const bin = join(root, mkdtempSync(join(root, 'clock-')))
    plant(bin, 'date', `echo "$*" >>"${bin}/asked"; echo "$(($(/bin/date +%s) + $(wc -l <"${bin}/asked") * 86400))"`)
    const { file, options } = marked(localShell({ env: { PATH: `${bin}:${path}` } }), { ttl: '4s' })
    const lease = await armLease(options)
    const asked = linesOf(join(bin, 'asked'))
    const start = now()
    await until('two times to live to pass', () => now() - start > 8000)
    expect(linesOf(file)).toBe(0)
    lease.abandon()
    const abandoned = now()
    await until('the host to undo it', () => undoneBy(lease) === 'watcher')
    expect(now() - abandoned).toBeLessThan(4000 + BUSY_MS)
    expect(asked).toBeLessThanOrEqual(2)
    expect(linesOf(join(bin, 'asked'))).toBe(asked)
    await lease.release()
  })

  it.runIf(isRoot)('says where it must count on the clock, and bounds what a step does there', async () => {
    const bin = mkdtempSync(join(root, 'wall-'))
    writeFileSync(join(bin, 'step'), '0')
    writeFileSync(join(bin, 'empty'), '')
    plant(bin, 'date', `echo "$(($(/bin/date +%s) + $(cat "${bin}/step")))"`)
    const hidden = `mount --bind "${bin}/empty" /proc/uptime && exec "$@"`
    const host = shellThrough(['unshare', '-m', '/bin/sh', '-c', hidden, 'sh'], `${bin}:${path}`)
    const back = marked(host, { ttl: '4s' })
    const lease = await armLease(back.options)
    expect(lease.clock).toBe('wall')
    lease.abandon()
    writeFileSync(join(bin, 'step'), '-100000')
    const stepped = now()
    await until('the host to undo it', () => linesOf(back.file) === 1, '20s')
    // The step stretched it, by no more than once its time to live.
    expect(now() - stepped).toBeLessThan(8000 + BUSY_MS)
    await lease.release()

    const forward = marked(host, { ttl: '60s' })
    const second = await armLease(forward.options)
    writeFileSync(join(bin, 'step'), '100000')
    await until('the host to undo it', () => linesOf(forward.file) === 1)
    await second.release()
  })

  it('survives SIGHUP and SIGKILL of the process group that armed it', async () => {
    const { file, options } = marked(shell, { ttl: '3s' })
    const lease = `${options.directory}/${options.id}`
    const { command, stdin } = armingCall({
      directory: options.directory,
      path: lease,
      token: 'token',
      ttl: '300',
      texts: [
        { name: 'lease.sh', content: LEASE_SCRIPT },
        { name: 'undo.sh', content: `echo undone >>'${file.replace("'", `'\\''`)}'\n# end of undo\n` },
      ],
      files: [],
    })
    const script = `trap : HUP\n${command.script.replaceAll(/^trap /gm, ': trap ')}\nwhile :; do sleep 1; done`
    const arming = spawn('sh', ['-c', script, 'sh', ...(command.args ?? [])], {
      env: { PATH: path },
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    arming.stdin.end(stdin)
    let said = ''
    arming.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await until('the lease to be armed', () => said.includes('clock'))
    const group = -(arming.pid ?? Number.NaN)
    process.kill(group, 'SIGHUP')
    process.kill(group, 'SIGKILL')
    await until('the group to be gone', () => !processLives(-group))
    expect(processLives(watcherOf({ path: lease }))).toBe(true)
    expect(linesOf(file)).toBe(0)
    await until('the host to undo it', () => undoneBy({ path: lease }) === 'watcher')
    expect(linesOf(file)).toBe(1)
  })

  it.runIf(isRoot)('is refused on a full disk, and leaves nothing there, however little is missing', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 16 }, async (_, pages) => {
        // The rest of the script runs where the disk is: what is left there is looked at from inside.
        const host = onSmallDisk(path, '256k')
        const inside: Shell = {
          ...host,
          run: (command, runOptions) => {
            if (!('script' in command) || !command.script.includes('lease.sh')) return host.run(command, runOptions)
            const fill = `dd if=/dev/zero of="${root}/small/fill" bs=4096 count=${63 - pages} 2>/dev/null`
            const ended = `; code=$?; ls "${root}/small/leases" >&2; exit $code`
            return host.run({ ...command, script: `${fill}; (${command.script})${ended}` }, runOptions)
          },
        }
        const { options } = marked(inside, { directory: join(root, 'small', 'leases'), ttl: '1s' })
        return armLease(options).then(
          () => 'armed',
          (error: unknown) => messageOf(error),
        )
      }),
    )
    const refused = outcomes.filter((outcome) => outcome !== 'armed')
    expect(refused.length).toBeGreaterThan(4)
    expect(outcomes.at(-1)).toBe('armed')
    for (const message of refused) {
      expect(message).toMatch(/could not be armed on local: .*(written whole|No space|cannot be written|rror)/)
      // Its directory would be listed there.
      expect(message).not.toMatch(/lease-\d+ could not.*; lease-\d/)
    }
  })

  it('is refused where a file is written short although every command says that all went well', async () => {
    const bin = mkdtempSync(join(root, 'short-'))
    plant(bin, 'head', `${pathOf('head') ?? ''} "$@" | ${pathOf('head') ?? ''} -c 3; exit 0`)
    const { options } = marked(localShell({ env: { PATH: `${bin}:${path}` } }))
    const undo = { undo: ['true'], undoFiles: [{ name: 'key', content: 'hunter2' }] }
    await expect(armLease({ ...options, steps: [undo] })).rejects.toThrow(/file\.key was not written whole/)
    expect(existsSync(join(options.directory, options.id))).toBe(false)
  })

  it('is refused at once where it was undone before its watcher was up', async () => {
    const bin = mkdtempSync(join(root, 'undone-'))
    plant(bin, 'setsid', 'exec sh "$2" undo somebody')
    const { file, options } = marked(localShell({ env: { PATH: `${bin}:${path}` } }))
    await expect(armLease(options)).rejects.toThrow(/it was undone.*before its watcher was up/)
    expect(linesOf(file)).toBe(1)
    expect(existsSync(join(options.directory, options.id))).toBe(false)
  })

  it.runIf(isRoot)('is refused on a read-only file system', async () => {
    const directory = mkdtempSync(join(root, 'read-only-'))
    const mount = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`
    const host = shellThrough(['unshare', '-m', '/bin/sh', '-c', mount, directory], path)
    const { options } = marked(host, { directory: join(directory, 'leases') })
    await expect(armLease(options)).rejects.toThrow(/ead-only file system.*is writable.*nothing was changed/s)
    expect(readdirSync(directory)).toEqual([])
  })

  it.runIf(isRoot)('is renewed, and undone, while its disk is full to the last byte', async () => {
    const disk = mkdtempSync(join(root, 'full-'))
    const within = { within: '10s' } as const
    await localShell().run(['mount', '-t', 'tmpfs', '-o', 'size=400k', 'none', disk], within)
    try {
      const chatter = 'i=0; while [ $i -lt 3000 ]; do echo "line $i" || exit 8; i=$((i + 1)); done; echo undone >>"$1"'
      const { file, options } = marked(shell, { directory: join(disk, 'leases'), ttl: '3s' })
      const lease = await armLease({ ...options, steps: [{ undo: { script: chatter, args: [file] } }] })
      await localShell().run(['dd', 'if=/dev/zero', `of=${disk}/fill`, 'bs=512'], within)
      expect(() => writeFileSync(join(disk, 'more'), 'x'.repeat(4096))).toThrow(/ENOSPC/)
      rmSync(join(disk, 'more'), { force: true })
      const start = now()
      await until('two times to live to pass', () => now() - start > 6000)
      expect(linesOf(file)).toBe(0)
      lease.abandon()
      await until('the host to undo it', () => undoneBy(lease) === 'watcher')
      expect(linesOf(file)).toBe(1)
      await lease.release()
      expect(existsSync(lease.path)).toBe(false)
    } finally {
      await localShell().run(['umount', '-l', disk], within)
    }
  })
})
