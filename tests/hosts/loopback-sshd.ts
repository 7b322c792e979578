import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, Secret } from '../../lib/core/index.ts'
import { newKeyPair, type KeyPair, type SshSettings } from '../../lib/hosts/index.ts'
import { sshdConfig } from './beds/sshd-config.ts'

/** A real OpenSSH server of this machine on loopback, configured as a test needs it. */
export interface LoopbackSshd extends AsyncDisposable {
  readonly port: number
  readonly hostKey: KeyPair
  readonly clientKey: KeyPair
  /** Root by key, fingerprint pinned. */
  readonly settings: SshSettings
  readonly log: () => string
}

/** Options of {@link startLoopbackSshd}. */
export interface LoopbackSshdOptions {
  /** Lines that come before all others of sshd_config, and so count. */
  readonly config?: string
  /** Further keys that root may log in with, as in authorized_keys. */
  readonly authorized?: readonly string[]
  /** Host keys in OpenSSH's private format, beside the Ed25519 key. */
  readonly hostKeys?: readonly string[]
  readonly port?: number
}

/** Starts a server. Needs root and openssh-server. */
export async function startLoopbackSshd(options: LoopbackSshdOptions = {}): Promise<LoopbackSshd> {
  const directory = mkdtempSync(join(tmpdir(), 'failover-sshd-'))
  const port = options.port ?? (await freePort())
  const hostKey = newKeyPair()
  const clientKey = newKeyPair()
  mkdirSync('/run/sshd', { recursive: true })
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text, { mode: 0o600 })
  write(`loopback-${port}_key`, hostKey.privateKey)
  options.hostKeys?.forEach((key, index) => write(`host_key_${index}`, key))
  write('authorized_keys', [clientKey.publicKey, ...(options.authorized ?? []), ''].join('\n'))
  const more = options.hostKeys?.map((_, index) => `HostKey ${directory}/host_key_${index}\n`).join('') ?? ''
  write(
    'sshd_config',
    `PidFile ${directory}/sshd.pid\nListenAddress 127.0.0.1:${port}\n${options.config ?? ''}\n${sshdConfig(directory, { port, name: `loopback-${port}` })}${more}`,
  )
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', join(directory, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  server.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const exited = new Promise((resolve) => server.once('exit', resolve))
  const end = async (): Promise<void> => {
    server.kill('SIGKILL')
    await exited
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    await eventually(
      async () =>
        log.includes(`Server listening on 127.0.0.1 port ${port}`)
          ? { done: true, value: true }
          : { done: false, seen: log },
      { within: '10s', every: '10ms', describe: 'sshd to listen' },
    )
  } catch (error) {
    await end()
    throw error
  }
  return {
    port,
    hostKey,
    clientKey,
    settings: {
      host: '127.0.0.1',
      port,
      username: 'root',
      privateKey: new Secret(clientKey.privateKey),
      hostKeys: { fingerprints: [hostKey.fingerprint] },
    },
    log: () => log,
    [Symbol.asyncDispose]: end,
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('there is no free port')),
      )
    })
  })
}
