import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, type Duration } from '../../core/index.ts'
import { localShell, wordsOf, type RunOptions, type Shell } from '../../hosts/index.ts'
import type { HeldLease, LeaseOptions } from '../lease.ts'

/** A shell that plays `sh` of a host. */
export interface HostSh {
  readonly name: string
  /** `PATH` of the host. */
  readonly path: string
}

/** A directory for tests, removed by whoever made it. */
export function testRoot(): string {
  return mkdtempSync(join(tmpdir(), 'failover-lease-'))
}

/** The shells that a lease must run in, of those that are here. The host of busybox has nothing but its applets. */
export function hostShells(root: string): readonly HostSh[] {
  return ['dash', 'bash', 'busybox'].flatMap((name) => {
    const program = pathOf(name)
    if (program === undefined) return []
    const bin = join(root, `bin-${name}`)
    mkdirSync(bin, { recursive: true })
    if (name === 'busybox') execFileSync(program, ['--install', '-s', bin])
    else symlinkSync(program, join(bin, 'sh'))
    return [{ name, path: name === 'busybox' ? bin : `${bin}:${process.env['PATH']}` }]
  })
}

/** Path of a program of this machine. */
export function pathOf(name: string): string | undefined {
  try {
    return execFileSync('/bin/sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}

/** Whether this process may mount file systems in a namespace of its own. */
export function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A shell whose commands run through another command, such as `unshare -m sh -c … sh`. */
export function shellThrough(prefix: readonly string[], path: string): Shell {
  const shell = localShell({ env: { PATH: path } })
  return { ...shell, run: (command, options) => shell.run([...prefix, ...wordsOf(command)], options) }
}

/** A shell that notes what it is asked to run. */
export function notedShell(shell: Shell): { readonly shell: Shell; readonly calls: (readonly string[])[] } {
  const calls: (readonly string[])[] = []
  const run: Shell['run'] = (command, options: RunOptions) => {
    calls.push(wordsOf(command))
    return shell.run(command, options)
  }
  return { shell: { ...shell, run }, calls }
}

let count = 0
/** A lease whose undo appends a line to a file: what it does can be counted. */
export function marked(
  root: string,
  shell: Shell,
  more: Partial<LeaseOptions> = {},
): { readonly file: string; readonly options: LeaseOptions } {
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

/** Lines of a file; 0 where there is none. */
export function linesOf(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0
}

/** A program in a directory, to be put into a PATH. */
export function plant(directory: string, name: string, script: string): void {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, name)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
}

/** Waits until something is so. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  within: Duration = '10s',
): Promise<void> {
  await eventually(async () => ((await check()) ? { done: true, value: true } : { done: false, seen: 'not yet' }), {
    within,
    every: '20ms',
    describe: what,
  })
}

/** Process id of a lease's watcher. */
export function watcherOf(lease: Pick<HeldLease, 'path'>): number {
  return Number.parseInt(readFileSync(join(lease.path, 'watcher'), 'utf8'))
}

/** All processes of the session that a process leads, itself included. */
export function sessionOf(leader: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[3] === String(leader)
        )
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Kills processes that were found just now, some of which may have ended since. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

/** Who undid a lease; undefined while nobody has. */
export function undoneBy(lease: Pick<HeldLease, 'path'>): string | undefined {
  const file = join(lease.path, 'undone')
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
}
