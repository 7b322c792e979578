import { randomBytes } from 'node:crypto'
import type { ClientChannel } from 'ssh2'
import { now, toMs, type Duration } from '../core/index.ts'
import { CommandNotStartedError } from './errors.ts'
import { commandLine } from './quote.ts'
import { ChannelRefused, type SshConnection } from './ssh-connection.ts'
import type { Progress } from './supervise.ts'

/** A command's channel, and when its command line was sent. */
export interface Session {
  readonly channel: ClientChannel
  readonly sentAt: number
}

interface Waiting {
  go(): void
  refuse(error: Error): void
}

/** Slots that a server may not have cleared yet when it says that a session is over; one refusal is one round trip. */
const RETRIES = 3

/** How long a shell waits. Long enough for what makes ready for a command that it knows to come next. */
const READY_FOR: Duration = '10s'

/**
 * A shell that waits for a command line, which ends with a line `$1`, and becomes it. What follows that line is the command's own:
 * `read` takes single bytes of what is no file.
 */
const WAIT = `failover_c=; while IFS= read -r failover_l; do
  if [ "$failover_l" = "$1" ]; then shift; eval "unset failover_c failover_l; $failover_c"; fi
  failover_c="$failover_c$failover_l
"; done`

const TURN = 'it was waiting for the server to allow one more session'

/**
 * The sessions of one connection. A server allows only so many at a time (OpenSSH: MaxSessions, 10 unless set) and tells nobody
 * how many. So each command just tries; one that is refused waits, first come first served, until another one ends.
 */
export class SshSessions {
  readonly connection: SshConnection
  readonly #waiting: Waiting[] = []
  /** Sessions that are open or being opened. */
  #open = 0
  /** Sessions that have ended and whose places were not taken again. */
  #freed = 0
  /** Sessions in which a shell waits, and the line that ends what it waits for. */
  readonly #ready = new Map<ClientChannel, string>()
  readonly #readyForMs: number
  #readying = 0

  constructor(connection: SshConnection, readyFor: Duration = READY_FOR) {
    this.connection = connection
    this.#readyForMs = toMs(readyFor)
    connection.onLost(() => {
      this.#ready.clear()
      for (const waiting of this.#waiting.splice(0)) waiting.refuse(connection.lostWhile('a command', false))
    })
  }

  /**
   * Starts shells that wait for the next commands, which then need one round trip instead of two and no login shell of their own.
   * Stops where the server allows no more. They do not wait long: of a command that is handed to one nobody knows, once the
   * connection is lost, whether it ran, while one that needs a new session is sent only after the server has answered.
   * @throws ConnectionLostError
   */
  async ready(shells: number): Promise<void> {
    const missing = shells - this.#ready.size - this.#readying
    await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.#wait()))
  }

  async #wait(): Promise<void> {
    if (this.#waiting.length > 0) return
    const mark = `failover-${randomBytes(8).toString('hex')}`
    this.#open++
    this.#readying++
    try {
      const line = `exec ${commandLine(['sh', '-c', WAIT, 'sh', mark])}`
      const channel = await this.connection.exec(line, 'a shell that waits for a command')
      this.#freed = Math.max(0, this.#freed - 1)
      this.#ready.set(channel, mark)
      // Only what is read to its end is closed.
      const forget = (): unknown => this.#ready.delete(channel) && channel.resume().stderr.resume()
      const timer = setTimeout(() => forget() && channel.end(), this.#readyForMs).unref()
      channel.once('exit', forget)
      channel.once('close', () => {
        clearTimeout(timer)
        forget()
        this.#ended()
      })
    } catch (error) {
      this.#open--
      this.#wake()
      if (!(error instanceof ChannelRefused)) throw error
    } finally {
      this.#readying--
    }
  }

  /**
   * Starts a command line, when the server lets it.
   * @throws ConnectionLostError; CommandNotStartedError if the server refuses although nothing else runs; the signal's reason
   */
  async start(line: string, stop: AbortSignal, { what, stage }: Progress): Promise<Session> {
    stop.throwIfAborted()
    for (const [channel, mark] of this.#ready) {
      this.#ready.delete(channel)
      const sentAt = now()
      channel.write(`${line}\n${mark}\n`)
      return { channel, sentAt }
    }
    stage(TURN)
    if (this.#waiting.length > 0) await this.#turn('last', stop)
    for (let tries = 1; ; tries++) {
      stop.throwIfAborted()
      this.#open++
      stage('the server did not say whether it takes it')
      const sentAt = now()
      try {
        const channel = await this.connection.exec(line, what)
        this.#freed = Math.max(0, this.#freed - 1)
        channel.once('close', () => this.#ended())
        return { channel, sentAt }
      } catch (error) {
        this.#open--
        if (!(error instanceof ChannelRefused)) {
          this.#wake()
          throw error
        }
        if (this.#freed > 0 && tries <= RETRIES) continue
        this.#freed = 0
        if (this.#open === 0) throw this.#refuseAll(error)
        stage(TURN)
        await this.#turn('first', stop)
        tries = 0
      }
    }
  }

  #ended(): void {
    this.#open--
    this.#freed++
    this.#wake()
  }

  #wake(): void {
    this.#waiting.shift()?.go()
  }

  #turn(place: 'first' | 'last', stop: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => stop.removeEventListener('abort', onStop)
      const waiting: Waiting = {
        go() {
          leave()
          resolve()
        },
        refuse(error) {
          leave()
          reject(error)
        },
      }
      const onStop = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(stop.reason instanceof Error ? stop.reason : new Error('stopped'))
      }
      if (place === 'first') this.#waiting.unshift(waiting)
      else this.#waiting.push(waiting)
      stop.addEventListener('abort', onStop, { once: true })
      if (this.connection.lost) {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        waiting.refuse(this.connection.lostWhile('a command', false))
      }
    })
  }

  #refuseAll(cause: ChannelRefused): SessionsRefused {
    const error = new SessionsRefused(
      `${this.connection.place} refuses to run commands, although none is running: ${cause.message}.`,
      { remedy: 'Check MaxSessions, ForceCommand and the restrictions of the key in authorized_keys there.', cause },
    )
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(error)
    return error
  }
}

/** The server runs no command on this connection. */
export class SessionsRefused extends CommandNotStartedError {}
