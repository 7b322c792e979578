import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { localShell, type RunResult } from '../../hosts/index.ts'
import { IDENTIFY_SCRIPT, NOT_THAT_PROCESS, OBSERVE_SCRIPT, SIGNAL_SCRIPT } from './process-script.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const root = mkdtempSync(join(tmpdir(), 'failover-process-'))
const children: ChildProcess[] = []
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const SHELLS = ['dash', 'bash', 'busybox'].flatMap((name) => {
  try {
    const path = execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim()
    mkdirSync(join(root, name))
    symlinkSync(path, join(root, name, 'sh'))
    return [{ name, bin: join(root, name) }]
  } catch {
    return []
  }
})

/** A process with a name that is hard to read: brackets, spaces and a newline in it. */
function victim(): string {
  const file = join(root, `odd) Z 1\n(${children.length}`)
  if (!existsSync(file)) symlinkSync(process.execPath, file)
  const child = spawn(file, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  children.push(child)
  return String(child.pid)
}

describe.each(SHELLS)('signals by $name', ({ bin }) => {
  const shell = localShell({ env: { PATH: `${bin}:${process.env['PATH']}` } })
  const run = (script: string, ...args: string[]): Promise<RunResult> => shell.run({ script, args }, { within: '10s' })
  const startOf = async (pid: string): Promise<string> => (await run(IDENTIFY_SCRIPT, pid)).stdout.split('\n')[0] ?? ''

  it('tell a process by its start time and command line', async () => {
    const pid = victim()
    const { code, stdout } = await run(IDENTIFY_SCRIPT, pid)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+\n.*setInterval/s)
    if (existsSync('/proc/self/stat')) {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      expect(stdout.split('\n')[0]).toBe(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
    }
  })

  it('stop, show as stopped, continue, and kill', async () => {
    const pid = victim()
    const start = await startOf(pid)
    expect(await run(SIGNAL_SCRIPT, pid, start, 'STOP')).toMatchObject({ code: 0 })
    const [first, second] = (await run(OBSERVE_SCRIPT, pid, start)).stdout.trim().split('\n')
    expect(first).toMatch(/^[Tt] \d+$/)
    expect(second).toBe(first)
    expect(await run(SIGNAL_SCRIPT, pid, start, 'CONT')).toMatchObject({ code: 0 })
    expect(await run(SIGNAL_SCRIPT, pid, start, 'CONT')).toMatchObject({ code: 0 })
    expect((await run(OBSERVE_SCRIPT, pid, start)).stdout).toMatch(/^[SRD] /)
    expect(await run(SIGNAL_SCRIPT, pid, start, 'KILL')).toMatchObject({ code: 0 })
    expect((await run(OBSERVE_SCRIPT, pid, start)).stdout).toBe('gone 0\ngone 0\n')
  })

  it('never hit another process that got the same pid', async () => {
    const pid = victim()
    const start = await startOf(pid)
    for (const signal of ['KILL', 'STOP']) {
      expect(await run(SIGNAL_SCRIPT, pid, '1', signal)).toMatchObject({ code: NOT_THAT_PROCESS })
    }
    // To continue what is gone is done already.
    expect(await run(SIGNAL_SCRIPT, pid, '1', 'CONT')).toMatchObject({ code: 0 })
    expect((await run(OBSERVE_SCRIPT, pid, start)).stdout).toMatch(/^[SRD] /)
    expect(await run(IDENTIFY_SCRIPT, '999999999')).toMatchObject({ code: NOT_THAT_PROCESS })
  })
})
