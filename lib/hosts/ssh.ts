import type { Duplex } from 'node:stream'
import { ConfigurationError, FailoverError, reveal, TimeoutError, withDeadline, type Duration } from '../core/index.ts'
import { CommandNotStartedError, CommandTimeoutError, ConnectionLostError } from './errors.ts'
import { forwardedSocket } from './forwarded-socket.ts'
import { checkHostKeys } from './host-keys.ts'
import type { Sudo } from './launch.ts'
import { connectFault } from './network-error.ts'
import { commandLine } from './quote.ts'
import type { Command, ConnectOptions, RunOptions, RunResult, Shell, SocketAddress, WarmOptions } from './shell.ts'
import type { SshSettings } from './settings.ts'
import { connectSsh } from './ssh-connect.ts'
import { ADMINISTRATIVELY_PROHIBITED, ChannelRefused, exitOf, type SshConnection } from './ssh-connection.ts'
import { SessionsRefused, SshSessions, type Session } from './ssh-sessions.ts'
import {
  checkKilled,
  KILL_WITHIN_MS,
  killCommand,
  supervise,
  type Progress,
  type Running,
  type Transport,
} from './supervise.ts'

/** Settings of an {@link sshShell}. */
export interface SshShellOptions extends SshSettings {
  /** Name of the machine, for messages. */
  readonly name: string
  /** Run all commands as root through sudo: without being asked, or with that password. Default: as the user that logs in. */
  readonly sudo?: true | Sudo | undefined
  /** How long a shell that was started by {@link Shell.warm} waits for a command. Default 10 s. */
  readonly readyFor?: Duration | undefined
}

/** A shell over SSH. */
export type SshShell = Shell & Required<Pick<Shell, 'warm'>>

/** The longest single argument that Linux takes, and a command line is one for the login shell. */
const LONGEST_LINE = 131_071

/**
 * A shell on a machine that runs an SSH server. One connection, opened with the first command, carries all of them; a lost one is
 * replaced by the next command. A command that was under way when the connection broke is *not* repeated: it throws a
 * `ConnectionLostError` whose `underWay` is true.
 * @throws ConfigurationError if a fingerprint is none, or a sudo password cannot be typed
 */
export function sshShell(options: SshShellOptions): SshShell {
  checkHostKeys(options.host, options.hostKeys)
  const sudo: Sudo | undefined = options.sudo === true ? {} : options.sudo
  if (sudo?.password && /[\n\0]/.test(reveal(sudo.password))) {
    throw new ConfigurationError(
      `The sudo password of ${options.name} holds a line break or NUL, which sudo cannot read.`,
    )
  }
  return new MultiplexedShell(options, sudo)
}

class MultiplexedShell implements SshShell, Transport {
  readonly name: string
  readonly underWay = new Set<() => Promise<unknown>>()
  readonly passwords = { taken: false }
  readonly #settings: SshShellOptions
  readonly #sudo: Sudo | undefined
  readonly #disposed = new AbortController()
  readonly #connections = new Set<SshConnection>()
  #current: Promise<SshSessions> | undefined

  constructor(options: SshShellOptions, sudo: Sudo | undefined) {
    this.name = options.name
    this.#settings = options
    this.#sudo = sudo
  }

  run(command: Command, options: RunOptions): Promise<RunResult> {
    const asRoot = options.sudo ?? this.#sudo !== undefined
    return supervise(command, options, this, asRoot ? (this.#sudo ?? {}) : undefined)
  }

  async warm({ shells = 0, ...options }: WarmOptions): Promise<void> {
    const ready = this.#sessions().then((sessions) => sessions.ready(shells))
    await bounded(ready, options, `a connection to ${this.name}`)
  }

  async connect(address: SocketAddress, options: ConnectOptions): Promise<Duplex> {
    const what = `a connection from ${this.name} to ${address.host}:${address.port}`
    const opening = this.#sessions().then(async ({ connection }) => {
      const channel = await connection.forward(address.host, address.port)
      return { connection, channel }
    })
    try {
      const { channel, connection } = await bounded(opening, options, what)
      return forwardedSocket(channel, connection)
    } catch (error) {
      // A channel that comes too late is nobody's.
      opening.then(({ channel }) => channel.close()).catch(() => undefined)
      throw error instanceof ChannelRefused ? forwardFault(error, what, this.name) : error
    }
  }

  async start(argv: readonly string[], stop: AbortSignal, progress: Progress): Promise<Running> {
    const line = lineOf(argv, this.name)
    for (let attempt = 1; ; attempt++) {
      progress.stage('there was no connection yet')
      const sessions = await unless(stop, this.#sessions())
      try {
        const session = await sessions.start(line, stop, progress)
        return runningIn(session, sessions.connection, progress.what)
      } catch (error) {
        const notSent = error instanceof ConnectionLostError && !error.underWay
        // A server may still count sessions that are over for us; a new connection starts from nothing.
        if (!(notSent || error instanceof SessionsRefused) || attempt === ATTEMPTS) throw error
        this.#replace(sessions)
      }
    }
  }

  /** Through a session of the connection if one is to be had, else through a connection of its own. */
  async kill(group: number, sudo: Sudo | undefined): Promise<void> {
    const stop = AbortSignal.timeout(KILL_WITHIN_MS)
    const through = async (connection: SshConnection): Promise<RunResult> => {
      const sessions = new SshSessions(connection)
      const start: Transport['start'] = async (argv, _stop, progress) =>
        runningIn(await sessions.start(lineOf(argv, this.name), stop, progress), connection, progress.what)
      const transport = { ...this.#bare(), start }
      return supervise(killCommand(group), { within: `${KILL_WITHIN_MS}ms` }, transport, sudo)
    }
    const { connection } = await this.#sessions()
    try {
      return checkKilled(await through(connection))
    } catch (error) {
      if (!(error instanceof SessionsRefused)) throw error
    }
    const own = await connectSsh(this.#settings, this.name, stop)
    try {
      checkKilled(await through(own))
    } finally {
      own.end()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.underWay].map((end) => end()))
    this.#disposed.abort()
    this.#current = undefined
    for (const connection of this.#connections) connection.end()
  }

  /** What a command needs that is part of killing another one. */
  #bare(): Omit<Transport, 'start'> {
    return { name: this.name, passwords: this.passwords, underWay: new Set(), kill: () => Promise.resolve() }
  }

  #sessions(): Promise<SshSessions> {
    if (this.#disposed.signal.aborted) {
      return Promise.reject(new FailoverError('FAILOVER_HOST', `The shell of ${this.name} has been disposed of.`))
    }
    if (this.#current) return this.#current
    const opening = this.#open()
    const forget = (): void => {
      if (this.#current === opening) this.#current = undefined
    }
    opening.then((sessions) => sessions.connection.onLost(forget), forget)
    this.#current = opening
    return opening
  }

  async #open(): Promise<SshSessions> {
    const connection = await connectSsh(this.#settings, this.name, this.#disposed.signal)
    this.#connections.add(connection)
    connection.onLost(() => this.#connections.delete(connection))
    return new SshSessions(connection, this.#settings.readyFor)
  }

  #replace(sessions: SshSessions): void {
    void this.#current?.then((current) => {
      if (current === sessions) this.#current = undefined
    })
    sessions.connection.retire()
  }
}

/** Connections that are tried for a command that was certainly not sent. */
const ATTEMPTS = 3

function lineOf(argv: readonly string[], name: string): string {
  // In place of the login shell, so that the command leads the group that the server made for it.
  const line = `exec ${commandLine(argv)}`
  const bytes = Buffer.byteLength(line)
  if (bytes <= LONGEST_LINE) return line
  throw new CommandNotStartedError(`A command for ${name} has ${bytes} bytes; the most is ${LONGEST_LINE}.`, {
    remedy: 'Hand what is long over on its standard input.',
  })
}

function runningIn({ channel, sentAt }: Session, connection: SshConnection, what: string): Running {
  const done = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    const stopWatching = connection.onLost(() => reject(connection.lostWhile(what, true)))
    const over = Promise.all([once(channel, 'close'), once(channel.stderr, 'end')])
    void over.then(() => {
      stopWatching()
      const exit = exitOf(channel)
      if (exit) return resolve(exit)
      reject(
        new ConnectionLostError(`The SSH server did not say how ${what} ended.`, {
          underWay: true,
          remedy: 'Look at the log of its sshd.',
        }),
      )
    })
  })
  // Whoever waits sees it; who has stopped waiting must not bring the process down.
  done.catch(() => undefined)
  return {
    sentAt,
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    done,
    signal: () => channel.signal('KILL'),
    close: () => channel.close(),
  }
}

function once(emitter: NodeJS.EventEmitter, event: string): Promise<void> {
  return new Promise((resolve) => emitter.once(event, () => resolve()))
}

function forwardFault(error: ChannelRefused, what: string, name: string): Error {
  if (error.reason === ADMINISTRATIVELY_PROHIBITED) {
    return new CommandNotStartedError(`The SSH server of ${name} forwards no connections: ${what} was refused.`, {
      remedy: `Set AllowTcpForwarding (and PermitOpen) in the sshd_config of ${name}.`,
      cause: error,
    })
  }
  return connectFault(what, error)
}

/** The promise's result, unless the signal comes first. */
function unless<T>(stop: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onStop = (): void => reject(new Error('stopped'))
    stop.addEventListener('abort', onStop, { once: true })
    promise.then(resolve, reject).finally(() => stop.removeEventListener('abort', onStop))
    if (stop.aborted) onStop()
  })
}

async function bounded<T>(promise: Promise<T>, { within, signal }: ConnectOptions, what: string): Promise<T> {
  try {
    return await withDeadline(() => promise, { within, signal, describe: what })
  } catch (error) {
    promise.catch(() => undefined)
    if (!(error instanceof TimeoutError)) throw error
    throw new CommandTimeoutError(error.message, { cause: error })
  }
}
