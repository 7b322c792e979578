import { Worker } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '../bundle/index.ts'
import { messageOf } from '../core/index.ts'
import { TrafficError } from './errors.ts'

/** A worker thread that must live until it is told to end. */
export interface Thread<To> {
  readonly name: string
  post(message: To): void
  /** From now on its end is no failure. */
  expectEnd(): void
  /** Ends it at once. */
  terminate(): Promise<void>
  readonly ended: Promise<void>
}

/** Options of {@link startThread}. */
export interface ThreadOptions<From> {
  readonly name: string
  /** TypeScript entry. */
  readonly program: URL
  /** Plain data, secrets included: it goes from memory to memory. */
  readonly setup: object
  readonly onMessage: (message: From) => void
  /** Called once if it ends without having been told to, or throws. */
  readonly onDeath: (error: TrafficError) => void
}

/** Bundles a program and runs it in a thread of its own, without this process's environment and arguments. */
export async function startThread<To, From>(options: ThreadOptions<From>): Promise<Thread<To>> {
  const path = await bundleProgram(fileURLToPath(options.program))
  const worker = new Worker(path, { workerData: options.setup, name: options.name, env: {}, execArgv: [], argv: [] })
  let expected = false
  let dead = false
  const died = (reason: string, cause?: unknown): void => {
    if (dead) return
    dead = true
    const message = `The ${options.name} thread of the traffic died: ${reason}.`
    options.onDeath(
      new TrafficError(message, {
        remedy: 'What was sent and seen from then on is not known, so the drill says nothing.',
        ...(cause === undefined ? {} : { cause }),
      }),
    )
  }
  worker.on('message', (message: From) => options.onMessage(message))
  worker.on('error', (error) => died(messageOf(error), error))
  worker.on('messageerror', (error) => died(messageOf(error), error))
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      if (!expected) died(`it ended with code ${code}`)
      resolve()
    })
  })
  return {
    name: options.name,
    post: (message) => worker.postMessage(message),
    expectEnd: () => void (expected = true),
    async terminate() {
      expected = true
      await worker.terminate()
    },
    ended,
  }
}
