import { setMaxListeners } from 'node:events'
import { messageOf, pause } from '../../../core/index.ts'
import type { FaultContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import type { ProbePath } from '../probe-paths.ts'
import { openConnection, requestParts, type ProbeConnection } from './probe-connection.ts'

/** Connections that probe traffic runs over at the same time. */
const STREAMS = 16
/** How long an answer may take before its connection is given up for a new one. */
const PATIENCE_MS = 4000
/** Bytes of a request of the traffic that fills a path; servers take headers of 8 kB and more. */
const FULL_REQUEST = 7000
/** Traffic that runs until it is stopped. */
export interface ProbeTraffic {
  /** Requests that were answered so far. */
  readonly answered: number
  /** Ends it, and waits until all of its connections are closed. Idempotent. */
  stop(): Promise<void>
}

/**
 * Requests in four small parts, one a millisecond after the other, each followed by the next when it is answered: every part is a
 * packet of its own, several are on their way at a time, and never so many that the kernel would send them in one piece.
 */
export function exchangeTraffic(context: FaultContext, paths: readonly ProbePath[]): ProbeTraffic {
  return traffic(context, paths, STREAMS, async (connection, path, signal) => {
    const parts = requestParts(path)
    while (!connection.isOver && !signal.aborted) {
      const wanted = connection.answered + 1
      for (const [i, part] of parts.entries()) {
        if (i > 0) await pause(1, signal)
        connection.write(part)
      }
      if ((await connection.until(wanted, PATIENCE_MS)) === undefined) return
      // A greeting of TLS is answered once.
      if (path.request === 'tls') return
    }
  })
}

/**
 * Large requests over many connections, each followed by the next when it is answered: as much as the path carries, and every byte
 * of it belongs to a request that is answered, also where a service ends each connection after its answer.
 */
export function fullTraffic(context: FaultContext, paths: readonly ProbePath[], streams = STREAMS): ProbeTraffic {
  return traffic(context, paths, streams, async (connection, path, signal) => {
    const request = Buffer.concat(requestParts(path, FULL_REQUEST).map((part) => Buffer.from(part)))
    while (!connection.isOver && !signal.aborted) {
      const wanted = connection.answered + 1
      connection.write(request)
      if ((await connection.until(wanted, 4 * PATIENCE_MS)) === undefined) return
    }
  })
}

/** Bytes that an answered request of {@link fullTraffic} brought to the far side. */
export const FULL_REQUEST_BYTES = FULL_REQUEST

type Conversation = (connection: ProbeConnection, path: ProbePath, signal: AbortSignal) => Promise<void>

function traffic(
  context: FaultContext,
  paths: readonly ProbePath[],
  streams: number,
  converse: Conversation,
): ProbeTraffic {
  if (paths.length === 0) throw new FaultTargetError('There is no way to send probe traffic over.')
  const ended = new AbortController()
  const signal = AbortSignal.any([context.signal, ended.signal])
  const own = { ...context, signal }
  // Every connection listens to it, and there are many.
  setMaxListeners(0, signal)
  const open = new Set<ProbeConnection>()
  let closed = 0
  const worker = async (path: ProbePath): Promise<void> => {
    while (!signal.aborted) {
      try {
        const connection = await openConnection(own, path, PATIENCE_MS)
        open.add(connection)
        try {
          await converse(connection, path, signal)
        } finally {
          connection.close()
          open.delete(connection)
          closed += connection.answered
        }
      } catch (error) {
        // That connections fail is what some faults are for; whoever uses the traffic judges by what was counted.
        if (!signal.aborted) await pause(20, signal).catch(() => messageOf(error))
      }
    }
  }
  const workers = Array.from({ length: Math.max(streams, paths.length) }, (_, i) => {
    const path = paths[i % paths.length]
    return path ? worker(path) : Promise.resolve()
  })
  return {
    get answered() {
      return [...open].reduce((sum, { answered }) => sum + answered, closed)
    },
    async stop() {
      ended.abort(new Error('there was enough of it'))
      await Promise.allSettled(workers)
    },
  }
}
