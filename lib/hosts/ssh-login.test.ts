import { createServer, type Server, type Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { Secret } from '../core/index.ts'
import { AuthenticationError, HostUnreachableError, sshShell, type SshSettings } from './index.ts'
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

describe('a login over SSH', () => {
  it('tells what was tried and offered, and no secret', async () => {
    await using server = await testServer({ authenticate: (context) => context.reject(['publickey', 'hostbased']) })
    await using shell = shellOf(server, { privateKey: new Secret(newKeyPair().privateKey) })
    const error = await failureOf(shell.run(['true'], within))
    expect(error).toBeInstanceOf(AuthenticationError)
    expect(error).toMatchObject({
      details: { tried: ['private key (ssh-ed25519)'], offered: ['publickey', 'hostbased'] },
    })
    expect(error.message).toMatch(/tester@127\.0\.0\.1.*password: not offered by the server/s)
    expect(error.message).not.toContain('correct horse')
  })

  it('tries key, then password, then the questions of the server', async () => {
    const tried: string[] = []
    await using server = await testServer({
      authenticate(context) {
        tried.push(context.method)
        if (context.method !== 'keyboard-interactive')
          return context.reject(['publickey', 'password', 'keyboard-interactive'])
        context.prompt([{ prompt: 'Password: ', echo: false }], (answers) =>
          answers[0] === 'correct horse' ? context.accept() : context.reject(),
        )
      },
    })
    await using shell = shellOf(server, { privateKey: new Secret(newKeyPair().privateKey) })
    expect(await shell.run(['echo', 'in'], within)).toMatchObject({ stdout: 'in\n' })
    expect(tried).toEqual(['publickey', 'password', 'keyboard-interactive'])
  })

  it.each<[string, Partial<SshSettings>, RegExp]>([
    ['nothing to log in with', { password: undefined } as never, /nothing to log in/],
    ['a key that is none', { privateKey: new Secret('no key at all') }, /private key .* cannot be used.*whole text/s],
    [
      'an agent that is not there',
      { agent: '/nonexistent/agent.sock', password: undefined } as never,
      /agent \/nonexistent\/agent.sock: Failed to connect/,
    ],
  ])('says of %s', async (_what, changes, message) => {
    await using server = await testServer({ authenticate: (context) => context.reject(['publickey']) })
    await using shell = shellOf(server, changes)
    const error = await failureOf(shell.run(['true'], within))
    expect(error).toBeInstanceOf(AuthenticationError)
    expect(error.message).toMatch(message)
  })

  it('that takes too long says so', async () => {
    await using server = await testServer({ authenticate: () => undefined })
    await using shell = shellOf(server, { connectWithin: '500ms' })
    const error = await failureOf(shell.run(['true'], within))
    expect(error).toMatchObject({ code: 'FAILOVER_HOST_UNREACHABLE', reason: 'timeout' })
    expect(error.message).toMatch(/Waited 500ms for the SSH login to box/)
  })
})

describe('a machine that cannot be reached', () => {
  async function listening(onSocket: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
    const server = createServer(onSocket)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    return { server, port: typeof address === 'object' && address ? address.port : 0 }
  }
  const settings = (port: number): SshSettings => ({
    host: '127.0.0.1',
    port,
    username: 'tester',
    password: new Secret('correct horse'),
    hostKeys: {},
    connectWithin: '400ms',
  })

  it.each<[string, (socket: Socket) => void, string, RegExp]>([
    ['closes at once', (socket) => socket.destroy(), 'closed', /closed the connection during an SSH handshake/],
    [
      'is no SSH server',
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'closed',
      /Check that an SSH server is what listens/,
    ],
    ['says nothing', () => undefined, 'timeout', /Waited 400ms for an SSH handshake/],
  ])('%s', async (_what, onSocket, reason, message) => {
    const sockets: Socket[] = []
    const { server, port } = await listening((socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      onSocket(socket)
    })
    await using shell = sshShell({ ...settings(port), name: 'box' })
    const error = await failureOf(shell.run(['true'], within))
    for (const socket of sockets) socket.destroy()
    server.close()
    expect(error).toBeInstanceOf(HostUnreachableError)
    expect(error).toMatchObject({ reason })
    expect(error.message).toMatch(message)
  })

  it('is told apart: refused, unknown', async () => {
    const { server, port } = await listening(() => undefined)
    await new Promise((resolve) => server.close(resolve))
    await using refused = sshShell({ ...settings(port), name: 'box' })
    expect(await failureOf(refused.run(['true'], within))).toMatchObject({ reason: 'refused' })
    await using unknown = sshShell({ ...settings(22), host: 'no-such-host.invalid', name: 'box', connectWithin: '20s' })
    expect(await failureOf(unknown.run(['true'], within))).toMatchObject({ reason: 'unknown-name' })
  })
})
