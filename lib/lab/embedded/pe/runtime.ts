import { liveWithLab } from '../life.ts'
import type { FromPe, PeKind, PeLaunch, ToPe } from '../protocol.ts'
import { openTruth, type Truth } from '../truth.ts'
import type { Trace } from '../toolkit/trace.ts'
import { Counters } from './counters.ts'
import { Downstream } from './downstream.ts'
import { describeOperators, QUEUE_SIZES } from './operators.ts'
import { serveTuples, type TupleHandlers } from './tuple-server.ts'

/** What every kind of PE has: its launch document, counters, truth log, connections and the channel to its site. */
export interface PeRuntime {
  readonly launch: PeLaunch
  readonly counters: Counters
  readonly truth: Truth
  readonly trace: Trace
  /** True if the defect is planted; the first question leaves a trace line. */
  defect(name: string): boolean
  /** A required connection to another PE of the job; undefined where the job has no such PE. */
  downstream(kind: PeKind): Downstream | undefined
  serve(handlers: TupleHandlers): Promise<void>
  /** Everything is listening: `ready` goes out as soon as all required connections are up. */
  started(): void
  send(message: FromPe): void
  /** Called at an orderly end, before the process exits. */
  onStop(close: () => void): void
}

/** Joins the site and the supervisor. */
export function startRuntime(launch: PeLaunch): PeRuntime {
  void liveWithLab(launch.lifeSocket, { role: 'pe', dc: launch.dc, id: launch.peId })
  process.on('disconnect', () => process.exit(1))
  // Meant for the runner in the same terminal.
  process.on('SIGINT', () => {})
  const pairs = Number(launch.parameters['numberOfHttpSenderReceiverPairs'] ?? '1')
  const counters = new Counters(describeOperators(launch.kind, pairs), QUEUE_SIZES)
  const required: Downstream[] = []
  const closers: (() => void)[] = []
  const told = new Set<string>()
  let started = false
  let ready = false
  let connected = true

  const send: PeRuntime['send'] = (message) => {
    // With a callback, else a site that is just ending makes it an error.
    if (process.connected) process.send?.(message, undefined, {}, () => undefined)
  }
  const trace: Trace = (level, aspect, text) => send({ type: 'trace', level, aspect, text })
  const look = (): void => {
    if (!started) return
    const all = required.every((one) => one.connected)
    if (!ready && all) {
      ready = true
      send({ type: 'ready' })
    } else if (ready && all !== connected) {
      send({ type: 'connections', connected: all })
    }
    connected = all
  }
  process.on('message', (message: ToPe) => {
    if (message.type === 'collect') {
      send({ type: 'metrics', id: message.id, operators: counters.collect() })
    } else {
      for (const close of closers) close()
      process.exit(0)
    }
  })

  return {
    launch,
    counters,
    truth: openTruth(launch.truthFile, launch.dc),
    trace,
    defect: (name) => {
      const planted = launch.defects.includes(name)
      if (planted && !told.has(name))
        trace('warn', 'Defect', `A defect is planted in this processing element: ${name}.`)
      told.add(name)
      return planted
    },
    downstream: (kind) => {
      const address = launch.peers[kind]
      if (!address) return undefined
      const connection = new Downstream(kind, address, look)
      required.push(connection)
      connection.open()
      return connection
    },
    serve: async (handlers) => void (await serveTuples(launch.listen, handlers)),
    started: () => {
      started = true
      look()
    },
    send,
    onStop: (close) => void closers.push(close),
  }
}
