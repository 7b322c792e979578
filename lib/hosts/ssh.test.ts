import type { Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { eventually, now, processExists } from '../core/index.ts'
import { CommandNotStartedError, ConnectionLostError, HostKeyError, sshShell, type SshSettings } from './index.ts'
import { newKeyPair } from './key-pair.ts'
import { testServer, type TestServer } from './testing/ssh-server.ts'

// Real sockets and processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const shellOf = (server: TestServer, changes: Partial<SshSettings> = {}) =>
  sshShell({ ...server.settings, ...changes, name: 'box' })

const within = { within: '20s' } as const

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const result = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  )
  if (!(result instanceof Error)) throw new Error('no error was thrown')
  return result
}

describe('an SSH connection', () => {
  it('is made by the first command, shared by all, and made anew when it was lost between two', async () => {
    await using server = await testServer()
    await using shell = shellOf(server)
    expect(server.sockets).toHaveLength(0)
    const all = await Promise.all(['a', 'b', 'c'].map((word) => shell.run(['echo', word], within)))
    expect(all.map(({ stdout }) => stdout)).toEqual(['a\n', 'b\n', 'c\n'])
    expect(server.sockets).toHaveLength(1)
    server.sockets[0]?.destroy()
    expect(await shell.run(['echo', 'd'], within)).toMatchObject({ stdout: 'd\n' })
    expect(server.sockets).toHaveLength(2)
  })

  it('refuses a host key that changed between two connections, and sends nothing', async () => {
    await using server = await testServer()
    await using shell = shellOf(server)
    await shell.run(['true'], within)
    const other = newKeyPair()
    server.behaviour.hostKeys = [other.privateKey]
    server.sockets[0]?.destroy()
    const error = await failureOf(shell.run(['true'], within))
    expect(error).toBeInstanceOf(HostKeyError)
    expect(error).toMatchObject({
      code: 'FAILOVER_HOST_KEY',
      details: {
        host: `[127.0.0.1]:${server.settings.port}`,
        expected: server.settings.hostKeys.fingerprints,
        seen: other.fingerprint,
      },
    })
    expect(error.message).toContain(other.fingerprint)
    expect(error.message).toContain('ssh-keygen -lf')
    expect(server.lines).toHaveLength(1)
  })

  it('accepts no key at all where none is pinned', async () => {
    await using server = await testServer()
    await using shell = shellOf(server, { hostKeys: {} })
    const error = await failureOf(shell.run(['true'], within))
    expect(error).toBeInstanceOf(HostKeyError)
    expect(error.message).toMatch(/No host key of .* is known; it showed the ssh-ed25519 key SHA256:/)
    expect(server.lines).toEqual([])
  })

  it("finds the pinned key among a server's keys, whatever its type", async () => {
    const [first, second] = [newKeyPair('ed25519'), newKeyPair('ecdsa')]
    await using server = await testServer({ hostKeys: [first.privateKey, second.privateKey] })
    await using byPrint = shellOf(server, { hostKeys: { fingerprints: [second.fingerprint] } })
    expect(await byPrint.run(['echo', 'yes'], within)).toMatchObject({ stdout: 'yes\n' })
    const knownHosts = `[127.0.0.1]:${server.settings.port} ${second.publicKey}\n`
    await using byFile = shellOf(server, { hostKeys: { knownHosts } })
    expect(await byFile.run(['echo', 'yes'], within)).toMatchObject({ stdout: 'yes\n' })
    await using neither = shellOf(server, { hostKeys: { fingerprints: [newKeyPair().fingerprint] } })
    expect(await failureOf(neither.run(['true'], within))).toBeInstanceOf(HostKeyError)
  })

  it('repeats a command that was not sent, and never one that may have been', async () => {
    await using server = await testServer()
    await using shell = shellOf(server)
    await shell.warm(within)
    let drops = 1
    server.behaviour.onSession = (_connection, socket) => {
      if (drops-- <= 0) return false
      socket.destroy()
      return true
    }
    expect(await shell.run(['echo', 'once'], within)).toMatchObject({ stdout: 'once\n' })
    expect(server.lines).toHaveLength(1)

    const drop = (socket: Socket): boolean => {
      socket.destroy()
      return true
    }
    // Before it is answered, and when it is under way.
    for (const [index, behaviour] of [
      { onCommand: drop },
      { onExec: (_line: string, _channel: unknown, socket: Socket) => drop(socket) },
    ].entries()) {
      Object.assign(server.behaviour, { onCommand: () => undefined, onExec: () => undefined }, behaviour)
      const error = await failureOf(shell.run(['echo', 'twice'], within))
      expect(error).toBeInstanceOf(ConnectionLostError)
      expect(error).toMatchObject({ underWay: true })
      expect(error.message).toMatch(/during the command echo twice on box.*not known whether it ran.*Look at the host/s)
      expect(server.lines).toHaveLength(2 + index)
    }
  })

  it('gives up on a server that drops each connection before it takes a command', async () => {
    await using server = await testServer({
      onSession: (_connection, socket) => {
        socket.destroy()
        return true
      },
    })
    await using shell = shellOf(server)
    const error = await failureOf(shell.run(['true'], within))
    expect(error).toMatchObject({ code: 'FAILOVER_CONNECTION_LOST', underWay: false })
    expect(server.sockets).toHaveLength(3)
  })

  it('ends after three keepalives without an answer', async () => {
    await using server = await testServer()
    await using shell = shellOf(server, { keepalive: '100ms' })
    const run = failureOf(shell.run(['sleep', '300'], within))
    await eventually(
      async () => (server.lines.length > 0 ? { done: true, value: true } : { done: false, seen: 'no command' }),
      { within: '10s', every: '5ms', describe: 'the command' },
    )
    const silentSince = now()
    server.sockets[0]?.pause()
    const error = await run
    expect(error).toMatchObject({ code: 'FAILOVER_CONNECTION_LOST', underWay: true })
    expect(error.message).toContain('no sign of life for three keepalives')
    expect(now() - silentSince).toBeGreaterThan(250)
  })

  it('does not know of a command whose end the server does not tell', async () => {
    await using server = await testServer({
      onExec: (_line, channel) => {
        channel.end()
        return true
      },
    })
    await using shell = shellOf(server)
    expect(await failureOf(shell.run(['true'], within))).toMatchObject({ underWay: true })
  })
})

describe('commands over an SSH connection', () => {
  it('wait while others use up the sessions', async () => {
    await using server = await testServer({ sessions: 1 })
    await using shell = shellOf(server)
    const all = await Promise.all(Array.from({ length: 8 }, (_, n) => shell.run(['echo', String(n)], within)))
    expect(all.map(({ stdout }) => stdout.trim())).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
    expect(server.sockets).toHaveLength(1)
  })

  it('fail together where there is no session to wait for', async () => {
    await using server = await testServer({ sessions: 0 })
    await using shell = shellOf(server)
    const all = await Promise.all(Array.from({ length: 4 }, () => failureOf(shell.run(['true'], within))))
    for (const error of all) expect(error).toBeInstanceOf(CommandNotStartedError)
  })

  it('are parted from what a login shell says of its own', async () => {
    await using server = await testServer({
      onExec(line, channel) {
        channel.write('Welcome!\nYou have mail')
        channel.stderr.write('tput: no terminal\n')
        return line === ''
      },
    })
    await using shell = shellOf(server)
    expect(await shell.run({ script: 'echo out; echo err >&2' }, within)).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
    })
  })

  it('die alone at the deadline on a server that makes no process groups', async () => {
    await using server = await testServer({ ownGroups: false })
    await using shell = shellOf(server)
    const beside = shell.run({ script: 'sleep 2; echo alive' }, within)
    const error = await failureOf(shell.run({ script: 'sleep 300 & echo "$!" >&2; wait' }, { within: '1s' }))
    expect(error.message).toMatch(/it was killed/)
    const child = Number(/It had said: (\d+)/.exec(error.message)?.[1])
    await eventually(
      async () => (processExists(child) ? { done: false, seen: 'alive' } : { done: true, value: true }),
      { within: '5s', every: '20ms', describe: 'the child to end' },
    )
    expect(await beside).toMatchObject({ stdout: 'alive\n' })
  })

  it('too long for any machine are refused here', async () => {
    await using server = await testServer()
    await using shell = shellOf(server)
    const error = await failureOf(shell.run(['echo', 'x'.repeat(140_000)], within))
    expect(error).toBeInstanceOf(CommandNotStartedError)
    expect(error.message).toMatch(/131071.*standard input/s)
  })
})
