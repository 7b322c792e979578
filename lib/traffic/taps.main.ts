/** Thread that reads both taps: see {@link Taps}. It owns `tuples.sights`. */
import { parentPort, workerData } from 'node:worker_threads'
import { openTupleLog } from '../history/tuple-log-writer.ts'
import { monitorLoopLag } from './loop-lag.ts'
import type { FromTaps, TapsSetup, ToTaps } from './messages.ts'
import { Taps } from './taps.ts'

const REPORT_EVERY_MS = 25
const LAG_EVERY_MS = 1000
const FLUSH_EVERY_MS = 200

const port = parentPort
if (!port) throw new Error('taps.main runs as a worker thread')
const setup = workerData as TapsSetup
const post = (message: FromTaps): void => port.postMessage(message)

const log = openTupleLog(setup.directory)
const taps = new Taps(setup, log.sights, post)
const lag = monitorLoopLag()
const timers = [
  setInterval(() => post(taps.progress()), REPORT_EVERY_MS),
  setInterval(() => post({ type: 'lag', lag: lag.take() }), LAG_EVERY_MS),
  setInterval(() => log.sights.flush(), FLUSH_EVERY_MS),
]

port.on('message', (message: ToTaps) => {
  switch (message.type) {
    case 'endpoints':
      return taps.use(message.endpoints)
    case 'keys':
      return taps.know(message.keys)
    case 'begin':
      return taps.begin()
    case 'stop':
      return taps.stop()
  }
})

async function run(): Promise<void> {
  await taps.run(() => post({ type: 'ready' }))
  for (const timer of timers) clearInterval(timer)
  post({ type: 'lag', lag: lag.take() })
  lag.stop()
  log.close()
  post(taps.progress())
  post({ type: 'closed' })
  port?.close()
}

void run()
