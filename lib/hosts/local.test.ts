import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { AbortedError, eventually, now } from '../core/index.ts'
import { CommandNotStartedError, CommandTimeoutError, localShell, UnquotableError } from './index.ts'
import { processLives } from './testing/process-lives.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const directory = mkdtempSync(join(tmpdir(), 'failover-shell-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const shell = localShell()

/** Runs a script that starts a grandchild and waits for ever, and gives the pids of both once they are there. */
function family(file: string): { script: string; pids: () => Promise<number[]> } {
  const script = `sleep 300 & echo "$$ $!" > ${join(directory, file)}.tmp; mv ${join(directory, file)}.tmp ${join(directory, file)}; wait`
  const pids = async (): Promise<number[]> => {
    const found = await eventually(
      async () =>
        existsSync(join(directory, file))
          ? { done: true, value: readFileSync(join(directory, file), 'utf8').trim().split(' ').map(Number) }
          : { done: false, seen: 'no pid file' },
      { within: '10s', every: '10ms', describe: 'the pid file' },
    )
    return found.value
  }
  return { script, pids }
}

async function gone(pids: readonly number[]): Promise<void> {
  await eventually(
    async () => (pids.some(processLives) ? { done: false, seen: 'alive' } : { done: true, value: true }),
    {
      within: '5s',
      every: '10ms',
      describe: 'the processes to end',
    },
  )
}

describe('a local shell', () => {
  it('hands arguments over as they are', async () => {
    const odd = ['$(id)', '`id`', 'a b', "it's", '', '\n', '*', '-n']
    const direct = await shell.run(['printf', '%s|', ...odd], { within: '10s' })
    expect(direct.stdout).toBe(odd.map((word) => `${word}|`).join(''))
    const script = await shell.run({ script: 'printf "%s|" "$@"', args: odd }, { within: '10s' })
    expect(script.stdout).toBe(direct.stdout)
  })

  it('tells exit code, output, signal and the time bounds', async () => {
    const before = now()
    const result = await shell.run({ script: 'cat; echo oops >&2; exit 3' }, { within: '10s', stdin: 'héllo' })
    expect(result).toMatchObject({ code: 3, signal: null, stdout: 'héllo', stderr: 'oops\n', truncated: false })
    expect(result.sentAt).toBeGreaterThanOrEqual(before)
    expect(result.doneAt).toBeGreaterThan(result.sentAt)
    expect(result.doneAt).toBeLessThanOrEqual(now())
    expect(await shell.run({ script: 'kill -TERM $$' }, { within: '10s' })).toMatchObject({
      code: null,
      signal: 'SIGTERM',
    })
  })

  it('kills the whole process group at the deadline, and says what the command had said', async () => {
    const { script, pids } = family('deadline')
    const run = shell.run({ script: `echo working >&2; ${script}` }, { within: '700ms' })
    run.catch(() => undefined)
    const started = await pids()
    await expect(run).rejects.toThrow(CommandTimeoutError)
    await expect(run).rejects.toThrow(/700ms.*local.*working/s)
    await gone(started)
  })

  it('kills the whole process group on abort', async () => {
    const controller = new AbortController()
    const { script, pids } = family('abort')
    const run = shell.run({ script }, { within: '60s', signal: controller.signal })
    run.catch(() => undefined)
    const started = await pids()
    controller.abort()
    await expect(run).rejects.toThrow(AbortedError)
    await gone(started)
    await expect(shell.run(['true'], { within: '1s', signal: controller.signal })).rejects.toThrow(AbortedError)
  })

  it('keeps the first bytes of a flood and lets the command finish', async () => {
    const result = await shell.run(
      { script: 'yes | head -c 5000000; echo end >&2' },
      { within: '20s', outputLimit: 1000 },
    )
    expect(result).toMatchObject({ code: 0, truncated: true, stderr: 'end\n' })
    expect(result.stdout).toHaveLength(1000)
  })

  it('takes a big input for a command that does not read it', async () => {
    const result = await shell.run(['true'], { within: '10s', stdin: Buffer.alloc(3_000_000) })
    expect(result.code).toBe(0)
  })

  it('says what could not be started', async () => {
    await expect(shell.run(['no-such-program-here'], { within: '1s' })).rejects.toThrow(CommandNotStartedError)
    await expect(shell.run([], { within: '1s' })).rejects.toThrow(/argument vector is empty/)
    await expect(shell.run(['echo', 'a\0b'], { within: '1s' })).rejects.toThrow(UnquotableError)
  })

  it('ends what still runs when it is disposed of', async () => {
    const own = localShell({ name: 'own' })
    const { script, pids } = family('dispose')
    const run = own.run({ script }, { within: '60s' })
    const started = await pids()
    await own[Symbol.asyncDispose]()
    expect(await run).toMatchObject({ signal: 'SIGKILL' })
    await gone(started)
  })
})
