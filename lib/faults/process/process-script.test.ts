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
  const identify = async (pid: string): Promise<string[]> =>
    (await run(IDENTIFY_SCRIPT, pid)).stdout.split('\n').slice(0, 2)

  it('tell a process by its start time and command line', async () => {
    const pid = victim()
    const { code, stdout } = await run(IDENTIFY_SCRIPT, pid)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+\n\d+-\d+\n.*odd\) Z 1 \(\d+ -e setInterval/)
    if (existsSync('/proc/self/stat')) {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      expect(stdout.split('\n')[0]).toBe(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
    }
  })

  it('stop, show as stopped, continue, and kill', async () => {
    const pid = victim()
    const [start = '', mark = ''] = await identify(pid)
    expect(await run(SIGNAL_SCRIPT, 'STOP', pid, start, mark)).toMatchObject({ code: 0 })
    const [first, second] = (await run(OBSERVE_SCRIPT, pid, start)).stdout.trim().split('\n')
    expect(first).toMatch(/^[Tt] \d+$/)
    expect(second).toBe(first)
    expect(await run(SIGNAL_SCRIPT, 'CONT', pid, start, '-')).toMatchObject({ code: 0 })
    expect(await run(SIGNAL_SCRIPT, 'CONT', pid, start, '-')).toMatchObject({ code: 0 })
    expect((await run(OBSERVE_SCRIPT, pid, start)).stdout).toMatch(/^[SRD] /)
    expect(await run(SIGNAL_SCRIPT, 'KILL', pid, start, mark)).toMatchObject({ code: 0 })
    expect((await run(OBSERVE_SCRIPT, pid, start)).stdout).toBe('gone 0\ngone 0\n')
  })

  it('never hit another process that got the same pid, or has become another program', async () => {
    const pid = victim()
    const [start = '', mark = ''] = await identify(pid)
    for (const signal of ['KILL', 'STOP']) {
      expect(await run(SIGNAL_SCRIPT, signal, pid, '1', mark)).toMatchObject({ code: NOT_THAT_PROCESS })
      expect(await run(SIGNAL_SCRIPT, signal, pid, start, '1-1')).toMatchObject({ code: NOT_THAT_PROCESS })
    }
    // To continue what is gone is done already.
    expect(await run(SIGNAL_SCRIPT, 'CONT', pid, '1', '-')).toMatchObject({ code: 0 })
    expect((await run(OBSERVE_SCRIPT, pid, start)).stdout).toMatch(/^[SRD] /)
    expect(await run(IDENTIFY_SCRIPT, '999999999')).toMatchObject({ code: NOT_THAT_PROCESS })
  })

  it('touch none of several if one of them is not the one that was meant', async () => {
    const pids = [victim(), victim()]
    const triples = await Promise.all(pids.map(async (pid) => [pid, ...(await identify(pid))]))
    expect(await run(SIGNAL_SCRIPT, 'STOP', ...triples.flat(), pids[0] ?? '', '1', '-')).toMatchObject({
      code: NOT_THAT_PROCESS,
    })
    const pairs = triples.flatMap(([pid = '', start = '']) => [pid, start])
    expect((await run(OBSERVE_SCRIPT, ...pairs)).stdout).toMatch(/^([SRD] \d+\n){4}$/)
    expect(await run(SIGNAL_SCRIPT, 'STOP', ...triples.flat())).toMatchObject({ code: 0 })
    expect((await run(OBSERVE_SCRIPT, ...pairs)).stdout).toMatch(/^(T \d+\n){4}$/)
    expect(await run(SIGNAL_SCRIPT, 'KILL', ...triples.flat())).toMatchObject({ code: 0 })
    expect((await run(OBSERVE_SCRIPT, ...pairs)).stdout).toBe('gone 0\n'.repeat(4))
  })
})

const LAST_PID = '/proc/sys/kernel/ns_last_pid'
const canChoosePids = existsSync(LAST_PID) && process.getuid?.() === 0

describe('a pid that the system has given to another process', () => {
  it.skipIf(!canChoosePids)('is not hit: not killed, not stopped, not continued', async () => {
    const shell = localShell()
    const run = (script: string, ...args: string[]): Promise<RunResult> =>
      shell.run({ script, args }, { within: '20s' })
    // The same command line, too: only the start time tells them apart.
    const reuse = await run(REUSE_SCRIPT, IDENTIFY_SCRIPT, LAST_PID)
    expect(reuse.stderr).toBe('')
    const [pid = '', oldStart = '', oldMark = '', newStart = '', newMark = ''] = reuse.stdout.trim().split('\n')
    try {
      expect([newMark, newStart > oldStart]).toEqual([oldMark, true])
      for (const signal of ['KILL', 'STOP']) {
        expect(await run(SIGNAL_SCRIPT, signal, pid, oldStart, oldMark)).toMatchObject({ code: NOT_THAT_PROCESS })
      }
      process.kill(Number(pid), 'SIGSTOP')
      expect(await run(SIGNAL_SCRIPT, 'CONT', pid, oldStart, '-')).toMatchObject({ code: 0 })
      expect((await run(OBSERVE_SCRIPT, pid, newStart)).stdout).toMatch(/^T \d+\nT \d+\n$/)
    } finally {
      process.kill(Number(pid), 'SIGKILL')
    }
  })
})

/** Starts a process, kills it, and starts others until one has its pid. Prints pid and identity of both. */
const REUSE_SCRIPT = String.raw`
identify=$1 last=$2
start() { setsid sleep 97 </dev/null >/dev/null 2>&1 & pid=$!; }
of() { sh -c "$identify" sh "$pid" | head -n 2; }
settled() { tries=0; until [ "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)" = 'sleep 97 ' ] || [ "$tries" -gt 200 ]; do tries=$((tries + 1)); sleep 0.01; done; }
start; settled; first=$pid
echo "$pid"; of
sleep 0.05
kill -9 "$pid"; wait "$pid" 2>/dev/null
tries=0
while :; do
  echo "$((first - 1))" >"$last"
  start; settled
  [ "$pid" != "$first" ] || break
  kill -9 "$pid"
  tries=$((tries + 1)); [ "$tries" -lt 100 ] || { echo 'no pid was reused' >&2; exit 1; }
done
of
`
