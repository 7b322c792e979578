import ssh2 from 'ssh2'
import { now, reveal, toMs, type Duration } from '../../../lib/core/index.ts'
import {
  commandLine,
  type Command,
  type HostSettings,
  type RunOptions,
  type RunResult,
} from '../../../lib/hosts/index.ts'
import { fingerprintOf } from '../../../lib/hosts/host-keys.ts'

/** One SSH connection, with nothing of the product in it: beds and their tests must not depend on what is tested on them. */
export interface PlainSsh extends AsyncDisposable {
  /** The connection is gone: nothing can be run on it any more. */
  readonly isLost: boolean
  /** Runs a command to its end. */
  run(command: Command | string, options?: Partial<RunOptions>): Promise<RunResult>
}

/** Logs in to a host, whose key must be the right one. */
export async function loggedIn({ shell }: Pick<HostSettings, 'shell'>, within: Duration = '5s'): Promise<ssh2.Client> {
  if (shell.kind !== 'ssh') throw new Error(`${shell.kind} is not reached over SSH`)
  const { host, port = 22, username, privateKey, hostKeys } = shell
  const client = new ssh2.Client()
  return new Promise((resolve, reject) => {
    // It may say more than once what is wrong.
    client.once('ready', () => resolve(client)).on('error', reject)
    client.connect({
      host,
      port,
      username,
      ...(privateKey ? { privateKey: reveal(privateKey) } : {}),
      hostVerifier: (key: Buffer) => hostKeys.fingerprints?.includes(fingerprintOf(key)) ?? false,
      readyTimeout: toMs(within),
      // A VM that is emulated may be silent for a while.
      keepaliveInterval: 4000,
      keepaliveCountMax: 5,
    })
  })
}

/** Logs in to a host ({@link loggedIn}), to run commands there. */
export async function plainSsh(host: Pick<HostSettings, 'name' | 'shell'>, within?: Duration): Promise<PlainSsh> {
  const client = await loggedIn(host, within)
  let isLost = false
  client.once('close', () => (isLost = true))
  const lost = new Promise<never>((_, reject) => {
    client.on('error', reject)
    client.on('close', () => reject(new Error(`The SSH connection to ${host.name} is gone.`)))
  })
  lost.catch(() => undefined)
  return {
    get isLost() {
      return isLost
    },
    run: (command, options) => Promise.race([runOn(client, command, options), lost]),
    async [Symbol.asyncDispose]() {
      client.end()
      await lost.catch(() => undefined)
    },
  }
}

/** Runs a command over a connection of its own. */
export async function runOverSsh(
  host: Pick<HostSettings, 'name' | 'shell'>,
  command: Command | string,
): Promise<RunResult> {
  await using ssh = await plainSsh(host)
  return await ssh.run(command)
}

function runOn(client: ssh2.Client, command: Command | string, options: Partial<RunOptions> = {}): Promise<RunResult> {
  const line = typeof command === 'string' ? command : commandLine(command)
  const sentAt = now()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${line} did not end in time`)), toMs(options.within ?? '60s'))
    client.exec(line, (error, channel) => {
      if (error) {
        clearTimeout(timer)
        return reject(error)
      }
      const out = { stdout: '', stderr: '' }
      channel.setEncoding('utf8').on('data', (text: string) => (out.stdout += text))
      channel.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text))
      channel.on('close', (code: number | null, signal: string | null) => {
        clearTimeout(timer)
        resolve({ ...out, code: code ?? null, signal: signal ?? null, truncated: false, sentAt, doneAt: now() })
      })
      channel.end(options.stdin ?? '')
    })
  })
}
