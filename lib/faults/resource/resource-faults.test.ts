import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { eventually, messageOf } from '../../core/index.ts'
import { localShell } from '../../hosts/index.ts'
import { FaultTargetError } from '../errors.ts'
import { HERE, localBench, shellsOf } from '../process/local-bench.test-harness.ts'
import { cpuPressure } from './cpu-pressure.ts'
import { diskFull } from './disk-full.ts'
import { diskIo } from './disk-io.ts'
import { fileDescriptors } from './file-descriptors.ts'
import { memoryPressure } from './memory-pressure.ts'
import { snapshotDirectory } from './snapshot-directory.ts'

// Real processes and disks on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const root = mkdtempSync(join(tmpdir(), 'failover-resource-faults-'))
const children: ChildProcess[] = []
const mounts: string[] = []
afterEach(() => {
  children.splice(0).forEach((child) => child.kill('SIGKILL'))
  for (const mount of mounts.splice(0)) execFileSync('umount', ['-l', mount])
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const isRoot = process.getuid?.() === 0
const mayMount = isRoot && canMount()

function canMount(): boolean {
  const at = mkdtempSync(join(root, 'try-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'failover-test', at], { stdio: 'ignore' })
  } catch {
    return false
  }
  execFileSync('umount', [at])
  return true
}

/** A file system of its own. */
function small(megabytes: number): string {
  const at = mkdtempSync(join(root, 'small-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'failover-test', at])
  mounts.push(at)
  return at
}

/** A directory that belongs to a user who is not root. */
function owned(): string {
  const at = mkdtempSync(join(root, 'owned-'))
  chownSync(at, NOBODY, NOBODY)
  execFileSync('chmod', ['755', root])
  return at
}

const NOBODY = 65534

/** Processes with our mark in their environment. */
function workers(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      const env = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/environ`, 'utf8') : ''
      return /FAILOVER_WORKER=(cpu|memory|disk|snapshot)-/.test(env)
    } catch {
      return false
    }
  })
}

const mountsAt = (path: string): number =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.split(' ')[4] === path).length

async function until(what: string, check: () => boolean): Promise<void> {
  const probe = async () =>
    check() ? ({ done: true, value: true } as const) : ({ done: false, seen: 'not yet' } as const)
  await eventually(probe, { within: '20s', every: '20ms', describe: what })
}

describe.each(shellsOf(root))('on a host whose sh is $name', ({ bin }) => {
  it('a core is kept busy, and free again', async () => {
    await using bench = localBench({ bin })
    const engine = bench.engine()
    const fault = await engine.inject(cpuPressure(HERE, { cores: 1 }))
    expect(fault.evidence).toMatchObject({ workers: 1 })
    await fault.heal()
    expect([workers(), engine.doubts, bench.leases()]).toEqual([[], [], []])
  })

  it('memory is taken down to the reserve, and given back', async () => {
    await using bench = localBench({ bin })
    const engine = bench.engine()
    const fault = await engine.inject(memoryPressure(HERE, { reserve: '64mb', limit: '96mb' }))
    const { heldBytes } = fault.evidence
    expect(Number(heldBytes) / 1024 ** 2).toBeGreaterThan(85)
    expect(Number(heldBytes) / 1024 ** 2).toBeLessThan(160)
    await fault.heal()
    expect([workers(), engine.doubts]).toEqual([[], []])
  })

  it.skipIf(!mayMount)('a file system is filled, and has room again', async () => {
    await using bench = localBench({ bin })
    const path = small(8)
    const engine = bench.engine()
    const fault = await engine.inject(diskFull(HERE, { path, reserve: '512kb' }))
    expect(fault.evidence).toMatchObject({ refused: 'ENOSPC' })
    expect(() => writeFileSync(join(path, 'ours'), Buffer.alloc(2 * 1024 ** 2))).toThrow(/ENOSPC/)
    // What others free is taken, too.
    rmSync(join(path, 'ours'))
    await until('it to be full again', () => Number(execFileSync('stat', ['-f', '-c', '%a', path])) <= 160)
    expect(readdirSync(path)).toEqual([])
    await fault.heal()
    writeFileSync(join(path, 'ours'), Buffer.alloc(2 * 1024 ** 2))
    expect([workers(), engine.doubts]).toEqual([[], []])
  })

  it('a disk is kept busy', async () => {
    await using bench = localBench({ bin })
    const path = mkdtempSync(join(root, 'io-'))
    const engine = bench.engine()
    const fault = await engine.inject(diskIo(HERE, { path, workers: 1 }))
    expect(Number(fault.evidence['bytesPerSecond'])).toBeGreaterThan(0)
    await fault.heal()
    expect([workers(), engine.doubts, readdirSync(path)]).toEqual([[], [], []])
  })

  it.skipIf(!mayMount)('a directory of snapshots is read-only, and what it was again', async () => {
    await using bench = localBench({ bin, host: { snapshotDirectory: owned() } })
    const path = bench.environment.hosts[0]?.snapshotDirectory ?? ''
    writeFileSync(join(path, 'snapshot'), 'kept')
    const engine = bench.engine()
    const fault = await engine.inject(snapshotDirectory(HERE, { mode: 'read-only' }))
    expect(fault.evidence).toMatchObject({ way: 'bind', refused: 'EROFS' })
    expect(() => writeFileSync(join(path, 'new'), '')).toThrow(/EROFS/)
    expect(readFileSync(join(path, 'snapshot'), 'utf8')).toBe('kept')
    await fault.heal()
    expect([mountsAt(path), engine.doubts, bench.leases()]).toEqual([0, [], []])
    writeFileSync(join(path, 'new'), '')
  })

  it.skipIf(!mayMount)('a directory of snapshots is full, with all that is in it', async () => {
    await using bench = localBench({ bin })
    const path = owned()
    writeFileSync(join(path, 'snapshot'), 'kept')
    const before = statSync(path)
    const engine = bench.engine()
    const fault = await engine.inject(snapshotDirectory(HERE, { mode: 'full', path }))
    expect(fault.evidence).toMatchObject({ way: 'tiny', refused: 'ENOSPC' })
    expect(() => writeFileSync(join(path, 'new'), 'x')).toThrow(/ENOSPC/)
    expect(readFileSync(join(path, 'snapshot'), 'utf8')).toBe('kept')
    expect(statSync(path)).toMatchObject({ uid: NOBODY, mode: before.mode })
    await fault.heal()
    expect([mountsAt(path), engine.doubts, readdirSync(path)]).toEqual([0, [], ['snapshot']])
  })

  it.skipIf(!isRoot)('a process can open no more files, and again as many as before', async () => {
    await using bench = localBench({ bin })
    const opener = startOpener()
    await until('it to open files', () => opener.said().includes('ok'))
    const before = limitsOf(opener.pid)
    const engine = bench.engine()
    const fault = await engine.inject(fileDescriptors(HERE, { pid: opener.pid, spare: 2 }))
    opener.open(8)
    await until('it to be refused a file', () => opener.said().includes('EMFILE'))
    expect(opener.said().match(/ok 8/g)).toBeNull()
    await fault.heal()
    expect([limitsOf(opener.pid), engine.doubts]).toEqual([before, []])
    opener.open(8)
    await until('it to open all of them', () => opener.said().includes('ok 8'))
  })
})

/** A process that opens as many files as it is told, and says how that went; it closes them again. */
function startOpener(): { pid: number; said: () => string; open: (count: number) => void } {
  const program = `
    const fs = require('node:fs')
    process.stdin.on('data', (text) => {
      const files = []
      try {
        for (let i = 0; i < Number(text); i++) files.push(fs.openSync('/dev/null'))
        console.log('ok ' + files.length)
      } catch (error) { console.log(error.code + ' after ' + files.length) }
      files.forEach((file) => fs.closeSync(file))
    })
    console.log('ok')`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return { pid: child.pid ?? 0, said: () => said, open: (count) => void child.stdin.write(String(count)) }
}

function limitsOf(pid: number): string {
  return /Max open files.*/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[0] ?? ''
}

describe('resource faults', () => {
  const refusal = async (
    bench: ReturnType<typeof localBench>,
    fault: Parameters<ReturnType<typeof bench.engine>['inject']>[0],
  ) => {
    const error: unknown = await bench
      .engine()
      .inject(fault)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(FaultTargetError)
    expect([bench.leases(), workers()]).toEqual([[], []])
    return messageOf(error)
  }

  it('are refused where the host has not what they need, before anything is touched', async () => {
    await using bench = localBench()
    expect(await refusal(bench, cpuPressure('elsewhere'))).toMatch(/has no host elsewhere/)
    expect(await refusal(bench, cpuPressure('runner'))).toMatch(/has no host runner/)
    expect(await refusal(bench, cpuPressure(HERE, { cores: 1000 }))).toMatch(/has \d+ cores for us, and 1000/)
    const tooMuch = `${Math.ceil(freemem() / 1024 ** 3) + 1000}gb` as const
    expect(await refusal(bench, memoryPressure(HERE, { reserve: tooMuch }))).toMatch(/nothing can be taken/)
    expect(await refusal(bench, diskFull(HERE, { path: '/no/such/path' }))).toMatch(
      /\/no\/such\/path on here is not there/,
    )
    expect(await refusal(bench, diskFull(HERE, { path: '/etc/passwd' }))).toMatch(/is no directory/)
    expect(await refusal(bench, diskFull(HERE, { path: bench.directory, reserve: '1kb' }))).toMatch(
      /leases of here lie on/,
    )
    expect(await refusal(bench, snapshotDirectory(HERE, { mode: 'full' }))).toMatch(/does not tell where here keeps/)
    expect(await refusal(bench, fileDescriptors(HERE, { pid: 999_999_999 }))).toMatch(/has no process 999999999/)
    if (existsSync('/dev/shm'))
      expect(await refusal(bench, diskIo(HERE, { path: '/dev/shm' }))).toMatch(/lies in memory/)
  })

  it.skipIf(!mayMount)('are refused on a file system that is too small already', async () => {
    await using bench = localBench()
    expect(await refusal(bench, diskFull(HERE, { path: small(2) }))).toMatch(/has 2mb free, so nothing can be filled/)
  })

  it.skipIf(!isRoot)(
    'take the right to write where mounting is not permitted, and refuse where that binds nobody',
    async () => {
      // A login without the right to mount.
      const shell = localShell({ name: HERE })
      const weak: typeof shell = {
        ...shell,
        run: (command, options) => {
          const words = 'script' in command ? ['sh', '-c', command.script, 'sh', ...(command.args ?? [])] : command
          return shell.run(['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin', '--', ...words], options)
        },
      }
      await using bench = localBench({ shell: weak })
      const path = owned()
      const fault = await bench.engine().inject(snapshotDirectory(HERE, { mode: 'read-only', path }))
      expect(fault.evidence).toMatchObject({ way: 'chmod', refused: 'EACCES' })
      expect((statSync(path).mode & 0o777).toString(8)).toBe('500')
      await fault.heal()
      expect((statSync(path).mode & 0o777).toString(8)).toBe('700')
      const ofRoot = mkdtempSync(join(root, 'root-'))
      expect(await refusal(bench, snapshotDirectory(HERE, { mode: 'read-only', path: ofRoot }))).toMatch(
        /we may not mount there, and it belongs to root/,
      )
      expect(await refusal(bench, snapshotDirectory(HERE, { mode: 'full', path }))).toMatch(/no file system of its own/)
    },
  )

  it.skipIf(!mayMount)('fill a directory of snapshots that is a file system of its own, and nothing else', async () => {
    await using bench = localBench()
    const path = small(4)
    const engine = bench.engine()
    const fault = await engine.inject(snapshotDirectory(HERE, { mode: 'full', path }))
    expect(fault.evidence).toMatchObject({ way: 'fill', refused: 'ENOSPC' })
    await fault.heal()
    expect([workers(), engine.doubts, readdirSync(path)]).toEqual([[], [], []])
  })

  it('use as much of a core as they are told', async () => {
    await using bench = localBench()
    const fault = await bench.engine().inject(cpuPressure(HERE, { cores: 1, percent: 40, nice: 5 }))
    const used = Number(fault.evidence['coresUsedByUs'])
    expect(used).toBeGreaterThan(0.25)
    expect(used).toBeLessThan(0.6)
    await fault.heal()
  })

  it('are not confirmed if they use more of a core than they are told', async () => {
    const bin = mkdtempSync(join(root, 'bin-'))
    writeFileSync(join(bin, 'sleep'), '#!/bin/sh\n[ "$1" = 0.95 ] || exec /bin/sleep "$@"\n', { mode: 0o755 })
    await using bench = localBench({ bin })
    // So little was asked for that it is too much even where others want the CPU, too.
    const injected = bench.engine().inject(cpuPressure(HERE, { cores: 1, percent: 5 }))
    await expect(injected).rejects.toThrow(/our workers use \S+ cores, and 0\.05 was asked for/)
    expect(workers()).toEqual([])
  })

  it('are in doubt if their workers are ended by somebody else, and leave nothing all the same', async () => {
    await using bench = localBench()
    const engine = bench.engine()
    const fault = await engine.inject(memoryPressure(HERE, { reserve: '64mb', limit: '64mb' }))
    const [first] = workers().sort((a, b) => Number(a) - Number(b))
    process.kill(Number(first), 'SIGKILL')
    // Its pieces end with it, without anybody's doing.
    await until('the memory to be given back', () => workers().length === 0)
    await fault.heal()
    expect(engine.doubts.join()).toMatch(/ended before it was healed: Of 1 workers on here 0 are alive/)
  })

  it('end when their lease directory vanishes, and at their limit', async () => {
    await using bench = localBench()
    const engine = bench.engine()
    const path = mkdtempSync(join(root, 'io-'))
    await engine.inject(diskIo(HERE, { path, workers: 1 }))
    bench.vanish(join(bench.directory, 'leases'))
    await until('the workers to end', () => workers().length === 0)

    await using other = localBench()
    await other.engine().inject(cpuPressure(HERE, { cores: 1, longest: '3s' }))
    await until('the workers to end', () => workers().length === 0)
  })

  it.skipIf(!mayMount)('do not touch what is mounted after a reboot', async () => {
    await using bench = localBench()
    const path = small(4)
    const fault = await bench.engine().inject(snapshotDirectory(HERE, { mode: 'read-only', path }))
    const [lease = ''] = bench.leases()
    const note = join(bench.directory, 'leases', lease, 'told.mounts')
    const ours = readFileSync(note, 'utf8')
    writeFileSync(note, `another-boot\n\n`)
    const undo = (): unknown => execFileSync('sh', [join(bench.directory, 'leases', lease, 'undo.sh')])
    undo()
    expect(mountsAt(path)).toBe(2)
    writeFileSync(note, ours)
    undo()
    undo()
    expect(mountsAt(path)).toBe(1)
    await fault.heal()
  })
})
