import { execFileSync } from 'node:child_process'
import { describe, expect, it, vi } from 'vitest'
import { eventually, messageOf, processExists, type Duration } from '../core/index.ts'
import { ConnectionLostError, sshShell } from './index.ts'
import { testServer, type TestServer, type TestServerBehaviour } from './testing/ssh-server.ts'

// Real sockets and processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const within = { within: '20s' } as const
const HOSTILE = ['', ' a  b ', `it's "$HOME" \`id\` \\`, 'two\nlines\n', '\tüñ💥*?~', '-n']

/** A server, and a shell on it for which others wait. */
async function warmed(shells: number, changes: Partial<TestServerBehaviour> = {}, readyFor?: Duration) {
  const server = await testServer(changes)
  const shell = sshShell({ ...server.settings, name: 'box', readyFor })
  await shell.warm({ shells, ...within })
  return {
    server,
    shell,
    async [Symbol.asyncDispose]() {
      await shell[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** How many command lines a server was sent. */
const told = (server: TestServer): number => server.lines.length

describe('shells that wait for a command', () => {
  it('take the next commands as they are, and those after them are started as ever', async () => {
    await using bench = await warmed(2)
    const { server, shell } = bench
    const printed = await shell.run(['printf', '%s\\0', ...HOSTILE], within)
    expect(printed.stdout.split('\0').slice(0, -1)).toEqual(HOSTILE)
    const script = { script: 'cat; echo "$1" >&2; env | grep -c ^failover_; exit 3', args: ['two\nlines'] }
    expect(await shell.run(script, { ...within, stdin: 'in\0put' })).toMatchObject({
      code: 3,
      stdout: 'in\0put0\n',
      stderr: 'two\nlines\n',
    })
    expect(told(server)).toBe(2)
    expect(await shell.run(['echo', 'third'], within)).toMatchObject({ stdout: 'third\n' })
    expect(told(server)).toBe(3)
  })

  it('are not started twice for the same commands', async () => {
    await using bench = await warmed(1)
    await Promise.all([bench.shell.warm({ shells: 2, ...within }), bench.shell.warm({ shells: 2, ...within })])
    expect(told(bench.server)).toBe(2)
  })

  it('are as many as the server allows, and in nobody’s way', async () => {
    await using bench = await warmed(5, { sessions: 2 })
    expect(told(bench.server)).toBe(2)
    const all = await Promise.all(Array.from({ length: 6 }, (_, n) => bench.shell.run(['echo', String(n)], within)))
    expect(all.map(({ stdout }) => stdout)).toEqual(['0\n', '1\n', '2\n', '3\n', '4\n', '5\n'])
  })

  it('are passed over once they have ended', async () => {
    let ends = 1
    await using bench = await warmed(1, {
      onExec(_line, channel) {
        if (ends-- <= 0) return false
        channel.write('Bye!\n')
        channel.exit(1)
        channel.end()
        return true
      },
    })
    const { server, shell } = bench
    // What the server says of the second comes after the end of the first.
    await shell.warm({ shells: 2, ...within })
    expect(await shell.run(['echo', 'here'], within)).toMatchObject({ stdout: 'here\n' })
    expect(told(server)).toBe(2)
  })

  it('are killed with all that they have become', async () => {
    await using bench = await warmed(1)
    const family = { script: 'sleep 300 & echo "$!" >&2; wait' }
    const said = await bench.shell.run(family, { within: '1s' }).then(() => 'it ended', messageOf)
    const child = Number(/it was killed\. It had said: (\d+)/.exec(said)?.[1])
    await gone(() => processExists(child))
  })

  it('are forgotten with their connection', async () => {
    await using bench = await warmed(2)
    bench.server.sockets[0]?.destroy()
    await expect(bench.shell.warm({ shells: 3, ...within })).rejects.toThrow(ConnectionLostError)
    expect(await bench.shell.run(['echo', 'anew'], within)).toMatchObject({ stdout: 'anew\n' })
    expect(bench.server.sockets).toHaveLength(2)
  })

  it.each([
    ['their connection ends', '60s', ({ shell }: Bench) => shell[Symbol.asyncDispose]()],
    ['nobody comes in time', '300ms', () => undefined],
  ] as const)('end when %s', async (_when, readyFor, end) => {
    await using bench = await warmed(1, {}, readyFor)
    const mark = /failover-[0-9a-f]{16}/.exec(bench.server.lines[0] ?? '')?.[0] ?? 'none'
    const waiting = (): boolean => execFileSync('ps', ['axww', '-o', 'args='], { encoding: 'utf8' }).includes(mark)
    if (readyFor === '60s') expect(waiting()).toBe(true)
    await end(bench)
    await gone(waiting)
    if (readyFor === '60s') return
    expect(await bench.shell.run(['echo', 'late'], within)).toMatchObject({ stdout: 'late\n' })
    expect(told(bench.server)).toBe(2)
  })
})

type Bench = Awaited<ReturnType<typeof warmed>>

function gone(isThere: () => boolean): Promise<unknown> {
  return eventually(() => Promise.resolve(isThere() ? { done: false, seen: 'there' } : { done: true, value: true }), {
    within: '5s',
    every: '20ms',
    describe: 'the processes to end',
  })
}
