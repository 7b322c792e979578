import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { eventually, Secret, type Probe } from '../../lib/core/index.ts'
import {
  AuthenticationError,
  CommandNotStartedError,
  CommandTimeoutError,
  ConnectRefusedError,
  HostKeyError,
  HostUnreachableError,
  newKeyPair,
  openShell,
  sshShell,
  type SshSettings,
} from '../../lib/hosts/index.ts'
import { needs, needsBed } from './beds/need.ts'
import { startSshdBed } from './beds/sshd.ts'
import { startLoopbackSshd, type LoopbackSshd } from './loopback-sshd.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const within = { within: '20s' } as const
const directory = mkdtempSync(join(tmpdir(), 'failover-login-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

async function runs(settings: SshSettings): Promise<void> {
  await using shell = sshShell({ ...settings, name: 'box' })
  expect(await shell.run(['echo', 'in'], within)).toMatchObject({ code: 0, stdout: 'in\n' })
}

async function failure(settings: SshSettings): Promise<Error> {
  await using shell = sshShell({ ...settings, name: 'box' })
  const error = await shell.run(['true'], within).catch((cause: unknown) => cause)
  if (!(error instanceof Error)) throw new Error('it did not fail')
  return error
}

/** A private key as ssh-keygen makes it. */
function keygen(name: string, ...options: string[]): { privateKey: string; publicKey: string } {
  const file = join(directory, name)
  execFileSync('ssh-keygen', ['-q', '-f', file, '-C', 'test', ...options])
  const read = (path: string): string => execFileSync('cat', [path], { encoding: 'utf8' })
  return { privateKey: read(file), publicKey: read(`${file}.pub`).trim() }
}

describe('a login to OpenSSH', () => {
  needs('sshd')
  const plain = keygen('plain', '-t', 'ed25519', '-N', '')
  const locked = keygen('locked', '-t', 'ed25519', '-N', 'open sesame')
  const pem = keygen('pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', 'open sesame')
  const hostRsa = keygen('host-rsa', '-t', 'rsa', '-b', '2048', '-N', '')
  let server: LoopbackSshd
  beforeAll(async () => {
    server = await startLoopbackSshd({
      authorized: [plain, locked, pem].map(({ publicKey }) => publicKey),
      hostKeys: [hostRsa.privateKey],
    })
  })
  afterAll(async () => server?.[Symbol.asyncDispose]())

  it('by key, in the formats that ssh-keygen writes, with a passphrase', async () => {
    const passphrase = new Secret('open sesame')
    await runs({ ...server.settings, privateKey: new Secret(plain.privateKey) })
    await runs({ ...server.settings, privateKey: new Secret(locked.privateKey), passphrase })
    await runs({ ...server.settings, privateKey: new Secret(pem.privateKey), passphrase })
  })

  it('with a wrong or missing passphrase, or a key that the server does not know', async () => {
    const privateKey = new Secret(locked.privateKey)
    const missing = await failure({ ...server.settings, privateKey })
    expect(missing).toBeInstanceOf(AuthenticationError)
    expect(missing.message).toMatch(/encrypted: give its passphrase/)
    const wrong = await failure({ ...server.settings, privateKey, passphrase: new Secret('close sesame') })
    expect(wrong).toBeInstanceOf(AuthenticationError)
    expect(wrong.message).toMatch(/Check its passphrase/)
    expect(wrong.message).not.toContain('sesame')
    const unknown = await failure({ ...server.settings, privateKey: new Secret(newKeyPair().privateKey) })
    expect(unknown).toBeInstanceOf(AuthenticationError)
    expect(unknown.message).toMatch(/root@127\.0\.0\.1:\d+.*Tried: private key.*offers: publickey,\s?password/s)
  })

  it('by an agent, and by the agent after a key that was refused', async () => {
    const socket = join(directory, 'agent.sock')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    try {
      await eventually(
        () =>
          new Promise<Probe<true>>((resolve) => {
            const probe = connect(socket)
            probe.once('connect', () => {
              probe.destroy()
              resolve({ done: true, value: true })
            })
            probe.once('error', (error) => resolve({ done: false, seen: error.message }))
          }),
        { within: '10s', every: '10ms', describe: 'the agent' },
      )
      const { privateKey: _, ...rest } = server.settings
      const empty = await failure({ ...rest, agent: socket })
      expect(empty).toBeInstanceOf(AuthenticationError)
      execFileSync('ssh-add', ['-q', join(directory, 'plain')], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
      await runs({ ...rest, agent: socket })
      await runs({ ...rest, privateKey: new Secret(newKeyPair().privateKey), agent: socket })
    } finally {
      agent.kill()
    }
  })

  describe('with known_hosts', () => {
    const line = (name: string, key: string): string => `${name} ${key.split(' ').slice(0, 2).join(' ')}\n`
    const place = (): string => `[127.0.0.1]:${server.port}`
    const hashed = (): string => {
      const file = join(directory, 'known_hosts')
      writeFileSync(file, line(place(), server.hostKey.publicKey))
      execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' })
      const text = execFileSync('cat', [file], { encoding: 'utf8' })
      expect(text).toMatch(/^\|1\|/)
      return text
    }

    it.each<[string, () => string]>([
      ['plain', () => line(place(), server.hostKey.publicKey)],
      ['hashed', hashed],
      ['of the bare name', () => line('127.0.0.1', server.hostKey.publicKey)],
      ['with wildcards', () => line(`other,[127.0.*]:${server.port}`, server.hostKey.publicKey)],
      ['of another key type than the first', () => line(place(), hostRsa.publicKey)],
      ['after comments and nonsense', () => `# mine\nnonsense\n\n${line(place(), server.hostKey.publicKey)}`],
    ])('%s', async (_name, knownHosts) => {
      await runs({ ...server.settings, hostKeys: { knownHosts: knownHosts() } })
    })

    it.each<[string, () => string, RegExp]>([
      ['a changed key', () => line(place(), newKeyPair().publicKey), /expected was SHA256:\S{43} \(ssh-ed25519\)/],
      ['no line', () => line('elsewhere', server.hostKey.publicKey), /No host key of .* is known/],
      ['an excluded name', () => line(`[127.*]:${server.port},!${place()}`, server.hostKey.publicKey), /No host key/],
      [
        'a revoked key',
        () => `${line(place(), server.hostKey.publicKey)}@revoked * ${server.hostKey.publicKey}`,
        /marked as revoked/,
      ],
      [
        'only a certificate authority',
        () => `@cert-authority ${line(place(), server.hostKey.publicKey)}`,
        /line 1 names a certificate authority/,
      ],
      [
        'another port',
        () => line(`[127.0.0.1]:${server.port + 1}`, server.hostKey.publicKey),
        /No host key of \[127\.0\.0\.1\]:/,
      ],
    ])('refuses %s', async (_name, knownHosts, message) => {
      const error = await failure({ ...server.settings, hostKeys: { knownHosts: knownHosts() } })
      expect(error).toBeInstanceOf(HostKeyError)
      expect(error.message).toMatch(message)
      expect(error.message).toContain('SHA256:')
    })
  })

  it('refuses what is no fingerprint before it connects', () => {
    const hostKeys = { fingerprints: ['MD5:00:11'] }
    expect(() => sshShell({ ...server.settings, hostKeys, name: 'box' })).toThrow(/ssh-keygen -lf/)
  })

  it('tells when the server lets nobody forward', async () => {
    await using closed = await startLoopbackSshd({ config: 'AllowTcpForwarding no' })
    await using shell = sshShell({ ...closed.settings, name: 'closed' })
    const direct = await shell
      .connect({ host: '127.0.0.1', port: closed.port }, within)
      .catch((cause: unknown) => cause)
    expect(direct).toBeInstanceOf(CommandNotStartedError)
    expect(String(direct)).toMatch(/AllowTcpForwarding/)
    const behind = await failure({ ...server.settings, jump: closed.settings })
    expect(behind).toBeInstanceOf(HostUnreachableError)
    expect(behind.message).toMatch(/jump host 127\.0\.0\.1 forwards no connections.*AllowTcpForwarding/s)
  })
})

describe('machines behind others', () => {
  const bed = needsBed('sshd', startSshdBed)

  function inner(name: 'a' | 'b' = 'a'): SshSettings {
    const { shell } = bed().hosts[name]
    if (shell.kind !== 'ssh') throw new Error('the bed has SSH')
    return shell
  }

  it('are reached through a jump host, which those behind it share', async () => {
    await using jump = await startLoopbackSshd()
    {
      await using a = sshShell({ ...inner('a'), jump: jump.settings, name: 'a' })
      await using b = sshShell({ ...inner('b'), jump: jump.settings, name: 'b' })
      const names = await Promise.all([a, b].map((shell) => shell.run(['hostname'], within)))
      expect(names.map(({ stdout }) => stdout)).toEqual(['east-a\n', 'west-b\n'])
      const big = await a.run(['cat'], { ...within, stdin: 'x'.repeat(1_000_000) })
      expect(big.stdout).toHaveLength(1_000_000)
      expect(jump.log().match(/Accepted publickey/g)).toHaveLength(1)
    }
    await eventually(
      async () => {
        const left = execFileSync('sh', ['-c', `ss -Htn state established "sport = :${jump.port}"`], {
          encoding: 'utf8',
        })
        return left === '' ? { done: true, value: true } : { done: false, seen: left }
      },
      { within: '5s', every: '50ms', describe: 'the connection to the jump host to end' },
    )
  })

  it('through a jump host: whose key or address is wrong is said', async () => {
    await using jump = await startLoopbackSshd()
    const wrong = { fingerprints: [newKeyPair().fingerprint] }
    const jumpKey = await failure({ ...inner(), jump: { ...jump.settings, hostKeys: wrong } })
    expect(jumpKey).toMatchObject({ code: 'FAILOVER_HOST_KEY', details: { host: `[127.0.0.1]:${jump.port}` } })
    const innerKey = await failure({ ...inner(), hostKeys: wrong, jump: jump.settings })
    expect(innerKey).toMatchObject({ code: 'FAILOVER_HOST_KEY', details: { host: inner().host } })
    const refused = await failure({ ...inner(), host: '127.0.0.1', port: 1, jump: jump.settings })
    expect(refused).toMatchObject({ code: 'FAILOVER_HOST_UNREACHABLE', reason: 'refused' })
    expect(refused.message).toMatch(/through the jump host 127\.0\.0\.1: Connection refused/)
  })

  it('are connected from: answered, refused, black hole, unknown', async () => {
    await using shell = openShell(bed().hosts.a)
    const b = bed().addresses.b
    for (const host of [b.ipv4, b.ipv6]) {
      const socket = await shell.connect({ host, port: bed().ports.data }, within)
      const answer = new Promise<string>((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())))
      socket.write('ping\n')
      expect(await answer).toBe('pong\n')
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.end()
      await closed
    }
    const refused = await shell.connect({ host: b.ipv4, port: 1 }, within).catch((cause: unknown) => cause)
    expect(refused).toBeInstanceOf(ConnectRefusedError)
    expect(refused).toMatchObject({ details: { reason: 'refused' } })
    const hole = { host: b.ipv4, port: 4444 }
    await bed().exec('b', ['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '4444', '-j', 'DROP'])
    const dropped = await shell.connect(hole, { within: '500ms' }).catch((cause: unknown) => cause)
    expect(dropped).toBeInstanceOf(CommandTimeoutError)
    const unknown = await shell.connect({ host: 'no-such.invalid', port: 1 }, within).catch((cause: unknown) => cause)
    expect(unknown).toBeInstanceOf(ConnectRefusedError)
  })

  it('carry megabytes through a forwarded connection, both ways, at the reader’s pace', async () => {
    await using shell = openShell(bed().hosts.a)
    const socket = await shell.connect({ host: bed().addresses.b.ipv4, port: bed().ports.data }, within)
    socket.write('send 8000000\n')
    let bytes = 0
    for await (const chunk of socket) {
      bytes += (chunk as Buffer).length
      if (bytes >= 8_000_000) break
    }
    expect(bytes).toBeGreaterThanOrEqual(8_000_000)
  })

  it('log in by password', async () => {
    const { privateKey: _, ...rest } = inner()
    await runs({ ...rest, username: 'deploy', password: bed().password })
    const wrong = await failure({ ...rest, username: 'deploy', password: new Secret('not the password') })
    expect(wrong).toBeInstanceOf(AuthenticationError)
    expect(wrong.message).toMatch(/Tried: password/)
    expect(wrong.message).not.toContain('not the password')
  })
})
