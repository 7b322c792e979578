import type { Interval } from '../core/index.ts'
import type { CounterChanges } from './sending-track.ts'

/** Follows what arrives from the other data centre. */
export class ReceivingTrack {
  #heartbeat: Interval | undefined
  #snapshot: Interval | undefined

  /** When the last heartbeat that was seen to arrive did. */
  get heartbeat(): Interval | undefined {
    return this.#heartbeat
  }

  /** The same for messages on the data ports: snapshots and control. */
  get snapshot(): Interval | undefined {
    return this.#snapshot
  }

  /** A trace line says that something arrived. */
  traced(what: 'heartbeat-received' | 'snapshot-received', at: Interval): void {
    if (what === 'heartbeat-received') this.#heartbeat = at
    else this.#snapshot = at
  }

  /** @returns the messages on the data ports so far, with the time of the last, if there is a new one */
  collect({ heartbeatsReceived, snapshotsReceived }: CounterChanges): { count: number; at: Interval } | undefined {
    if (heartbeatsReceived && !heartbeatsReceived.initial && heartbeatsReceived.to > 0) {
      this.#heartbeat = heartbeatsReceived.at
    }
    if (!snapshotsReceived || snapshotsReceived.initial || snapshotsReceived.to === 0) return undefined
    this.#snapshot = snapshotsReceived.at
    return { count: snapshotsReceived.to, at: snapshotsReceived.at }
  }
}
