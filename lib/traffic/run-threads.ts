import { withDeadline } from '../core/index.ts'
import type { EndpointBook } from './endpoint-book.ts'
import type { TrafficError } from './errors.ts'
import type { FromInjector, FromTaps, InjectorSetup, TapsSetup, ToInjector, ToTaps } from './messages.ts'
import type { RunContext } from './run-context.ts'
import { counterSchema } from './schema.ts'
import { startThread, type Thread } from './thread.ts'

const TAP_TIMEOUT_MS = 1000
const TAP_MAX_ITEMS = 1000

/** What the threads' words are told to. */
export interface ThreadHandlers {
  readonly onInjector: (message: FromInjector) => void
  readonly onTaps: (message: FromTaps) => void
  readonly onDeath: (error: TrafficError) => void
}

/** The two threads of a run. */
export class RunThreads {
  readonly #context: RunContext
  #injector: Thread<ToInjector> | undefined
  #taps: Thread<ToTaps> | undefined
  #firstKey: number | undefined
  /** True once the taps know where the run's keys are in the key table. */
  keysTold = false

  constructor(context: RunContext) {
    this.#context = context
  }

  async start(book: EndpointBook, fed: boolean, handlers: ThreadHandlers): Promise<void> {
    const { options, settings, keys, earlierKeys, firstSeq, firstBatch } = this.#context
    const { fields, results } = options.schema ?? counterSchema
    const { directory } = options.recorder
    const injector: InjectorSetup = {
      ...settings,
      directory,
      keys,
      fields,
      firstSeq,
      firstBatch,
      endpoints: book.inject,
      seed: options.seed,
      fed,
    }
    const taps: TapsSetup = {
      directory,
      fields,
      results,
      endpoints: book.inspect,
      keys: earlierKeys,
      everyMs: settings.tapEveryMs,
      timeoutMs: TAP_TIMEOUT_MS,
      maxItems: TAP_MAX_ITEMS,
    }
    const { onInjector, onTaps, onDeath } = handlers
    const started = await Promise.all([
      startThread<ToInjector, FromInjector>({
        name: 'injector',
        program: new URL('./injector.main.ts', import.meta.url),
        setup: injector,
        onMessage: onInjector,
        onDeath,
      }),
      startThread<ToTaps, FromTaps>({
        name: 'taps',
        program: new URL('./taps.main.ts', import.meta.url),
        setup: taps,
        onMessage: onTaps,
        onDeath,
      }),
    ])
    this.#injector = started[0]
    this.#taps = started[1]
    this.#tellKeys()
  }

  /** The taps start while the injector writes the key table: they learn the indices as soon as both are there. */
  keysAt(first: number): void {
    this.#firstKey = first
    this.#tellKeys()
  }

  toInjector(message: ToInjector): void {
    if (message.type === 'stop') this.#injector?.expectEnd()
    this.#injector?.post(message)
  }

  toTaps(message: ToTaps): void {
    if (message.type === 'stop') this.#taps?.expectEnd()
    this.#taps?.post(message)
  }

  /** Ends both, gracefully if they answer in time: what they have buffered is worth keeping. */
  async close(graceMs: number): Promise<void> {
    this.toInjector({ type: 'stop' })
    this.toTaps({ type: 'stop' })
    const threads = [this.#injector, this.#taps].filter((thread) => thread !== undefined)
    await Promise.all(
      threads.map((thread) => {
        const describe = `the ${thread.name} thread to end`
        return withDeadline(() => thread.ended, { within: `${graceMs}ms`, describe }).catch(() => thread.terminate())
      }),
    )
  }

  #tellKeys(): void {
    const first = this.#firstKey
    if (first === undefined || !this.#taps) return
    const own = this.#context.keys.map((entry, place) => ({ entry, index: first + place, current: true }))
    this.#taps.post({ type: 'keys', keys: own })
    this.keysTold = true
  }
}
