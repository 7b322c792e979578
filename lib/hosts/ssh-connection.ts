import type { Duplex } from 'node:stream'
import type { Client, ClientChannel } from 'ssh2'
import { messageOf } from '../core/index.ts'
import { ConnectionLostError } from './errors.ts'

/** The server refused to open a channel. `reason` is the number of RFC 4254, section 5.1. */
export class ChannelRefused extends Error {
  readonly reason: number

  constructor(reason: number, message: string) {
    super(message)
    this.reason = reason
  }
}

const FORWARDED = 'a forwarded connection'

/** RFC 4254: the server does not allow such channels to this user. */
export const ADMINISTRATIVELY_PROHIBITED = 1

/** An established connection to an SSH server: knows when it is lost, and for whom that matters. */
export class SshConnection {
  readonly #client: Client
  readonly #socket: Duplex
  readonly #watchers = new Set<(why: string) => void>()
  #lost: string | undefined
  #ended = false
  #channels = 0
  #retired = false
  /** As messages call it: name, user, address and port. */
  readonly place: string

  constructor(client: Client, socket: Duplex, place: string) {
    this.#client = client
    this.#socket = socket
    this.place = place
    client.on('error', (error) => this.#lose(reasonOf(error)))
    client.on('end', () => this.#lose('the other side closed it'))
    client.on('close', () => this.#lose('the other side closed it'))
  }

  /** Nothing new can be sent. */
  get lost(): boolean {
    return this.#lost !== undefined
  }

  /** Calls back once when the connection is lost (at once if it is). Returns how to stop watching. */
  onLost(watcher: (why: string) => void): () => void {
    if (this.#lost !== undefined) {
      watcher(this.#lost)
      return () => undefined
    }
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /**
   * Starts a command line in the login shell of the user.
   * @throws ChannelRefused; ConnectionLostError, whose `underWay` is false only if the line was certainly not sent
   */
  exec(line: string, what: string): Promise<ClientChannel> {
    return this.#open((callback) => this.#client.exec(line, callback), what, true)
  }

  /** A TCP connection from the server's machine. @throws ChannelRefused, ConnectionLostError */
  forward(host: string, port: number): Promise<ClientChannel> {
    return this.#open((callback) => this.#client.forwardOut('127.0.0.1', 0, host, port, callback), FORWARDED, false)
  }

  /** Ends the connection as soon as nothing is open on it. */
  retire(): void {
    this.#retired = true
    if (this.#channels === 0) this.end()
  }

  /** Ends the connection. What is under way on it is lost. */
  end(): void {
    // What the server has to say to that is of no interest, and it may never come.
    this.#socket.once('finish', () => this.#socket.destroy())
    this.#client.end()
    this.#ended = true
    this.#lose('this side closed it')
  }

  /** The error for what was under way when the connection was lost. */
  lostWhile(what: string, underWay: boolean): ConnectionLostError {
    const fate = underWay
      ? 'It is not known whether it ran, and it may still be running'
      : 'Nothing of it was sent, so it did not run'
    return new ConnectionLostError(
      `The connection to ${this.place} was lost during ${what} (${this.#lost ?? 'no answer'}). ${fate}.`,
      {
        underWay,
        remedy: underWay
          ? 'Look at the host before doing it again, unless doing it twice is harmless.'
          : 'Check that the host and its sshd are up.',
      },
    )
  }

  #open(
    start: (callback: (error: Error | undefined, channel: ClientChannel) => void) => void,
    what: string,
    command: boolean,
  ) {
    return new Promise<ClientChannel>((resolve, reject) => {
      const lostBefore = (): void => reject(this.lostWhile(what, false))
      if (this.#lost !== undefined) return lostBefore()
      const answered = (error: Error | undefined, channel: ClientChannel): void => {
        stopWatching()
        if (!error) {
          channel.once('close', () => this.#close())
          // At once: a server may say in one packet that the command has begun and how it ended.
          if (command)
            channel.once('exit', (code: number | null, signal?: string) =>
              EXITS.set(channel, { code, signal: signal ?? null }),
            )
          return resolve(channel)
        }
        this.#close()
        if ('reason' in error) {
          return reject(new ChannelRefused(Number(error.reason), error.message.replace(/^.*open failure: /, '')))
        }
        // ssh2 says this, and only this, of a channel that was not open yet when the connection broke. Whatever else it says
        // then, the command may have been sent.
        if (error.message === 'No response from server') return lostBefore()
        if (this.#lost !== undefined) return reject(this.lostWhile(what, command))
        reject(new ChannelRefused(0, error.message))
      }
      let stopWatching = (): void => undefined
      this.#channels++
      try {
        start(answered)
      } catch {
        this.#close()
        return lostBefore() // ssh2 throws only where it can no longer write
      }
      // ssh2 answers all that is open as soon as the socket is closed; should that never happen, this does.
      stopWatching = this.onLost(() => {
        setTimeout(() => reject(this.lostWhile(what, command)), 1000)
      })
    })
  }

  #close(): void {
    this.#channels--
    if (this.#retired && this.#channels === 0) this.end()
  }

  #lose(why: string): void {
    if (this.#lost !== undefined) return
    this.#lost = why
    if (!this.#ended) this.#socket.destroy()
    const watchers = [...this.#watchers]
    this.#watchers.clear()
    for (const watcher of watchers) watcher(why)
  }
}

function reasonOf(error: unknown): string {
  const level = error instanceof Error && 'level' in error ? error.level : undefined
  if (level === 'client-timeout') return 'it gave no sign of life for three keepalives'
  return messageOf(error)
}

const EXITS = new WeakMap<ClientChannel, Exit>()

/** How a command ended: its code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

/** How the command of a channel has ended; undefined as long as the server has not said so. */
export function exitOf(channel: ClientChannel): Exit | undefined {
  return EXITS.get(channel)
}
