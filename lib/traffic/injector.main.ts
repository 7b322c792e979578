/** Thread that injects tuples: see {@link Injector}. It owns `tuples.sends`. */
import { parentPort, workerData } from 'node:worker_threads'
import { openTupleLog } from '../history/tuple-log-writer.ts'
import { Injector } from './injector.ts'
import { monitorLoopLag } from './loop-lag.ts'
import type { FromInjector, InjectorSetup, ToInjector } from './messages.ts'

const REPORT_EVERY_MS = 25
const LAG_EVERY_MS = 1000
const FLUSH_EVERY_MS = 200

const port = parentPort
if (!port) throw new Error('injector.main runs as a worker thread')
const setup = workerData as InjectorSetup
const post = (message: FromInjector): void => port.postMessage(message)

const log = openTupleLog(setup.directory)
const firstKey = log.sends.keys(setup.keys)
const injector = new Injector(setup, firstKey, log.sends, post)
const lag = monitorLoopLag()

const reportLag = (): void => {
  const loop = lag.take()
  const { recentLateness: late } = injector
  post({ type: 'lag', lag: loop })
  const { earliest, latest } = loop
  const lateness = { earliest, latest, meanMs: late.mean, p99Ms: late.quantile(0.99), maxMs: late.max }
  post({ type: 'lateness', lag: lateness, count: late.count })
  late.reset()
}

const timers = [
  setInterval(() => post(injector.progress()), REPORT_EVERY_MS),
  setInterval(reportLag, LAG_EVERY_MS),
  setInterval(() => log.sends.flush(), FLUSH_EVERY_MS),
]

async function stop(): Promise<void> {
  const end = await injector.stop()
  for (const timer of timers) clearInterval(timer)
  reportLag()
  lag.stop()
  log.close()
  post(injector.progress())
  post({ type: 'drained', ...end })
  port?.close()
}

port.on('message', (message: ToInjector) => {
  switch (message.type) {
    case 'go':
      return post({ type: 'started', at: injector.start() })
    case 'endpoints':
      return injector.use(message.endpoints)
    case 'rows':
      return injector.feed(message.rows, message.ended)
    case 'failback':
      return injector.failback()
    case 'stop':
      return void stop()
  }
})
post({ type: 'ready', firstKey })
