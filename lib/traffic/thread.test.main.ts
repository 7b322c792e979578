/** A thread for tests: does what it is told. */
import { parentPort, workerData } from 'node:worker_threads'

parentPort?.on('message', (order: 'throw' | 'exit' | 'close') => {
  if (order === 'throw') throw new Error('as told')
  if (order === 'exit') process.exit(3)
  parentPort?.close()
})
parentPort?.postMessage({ setup: workerData as unknown, environment: Object.keys(process.env) })
