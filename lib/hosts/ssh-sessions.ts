import type { ClientChannel } from 'ssh2'
import { now } from '../core/index.ts'
import { CommandNotStartedError } from './errors.ts'
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

  constructor(connection: SshConnection) {
    this.connection = connection
    connection.onLost(() => {
      for (const waiting of this.#waiting.splice(0)) waiting.refuse(connection.lostWhile('a command', false))
    })
  }

  /**
   * Starts a command line, when the server lets it.
   * @throws ConnectionLostError; CommandNotStartedError if the server refuses although nothing else runs; the signal's reason
   */
  async start(line: string, stop: AbortSignal, { what, stage }: Progress): Promise<Session> {
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
