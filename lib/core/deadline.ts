import { setTimeout as delay } from 'node:timers/promises'
import { formatMs, toMs, type Duration } from './duration.ts'
import { AbortedError, TimeoutError } from './errors.ts'

/** Options of a bounded wait. */
export interface DeadlineOptions {
  readonly within: Duration
  readonly signal?: AbortSignal | undefined
  /** What is awaited, for the message. */
  readonly describe: string
}

/**
 * The promise's result, or an error when time runs out or the signal is aborted. The work itself goes on unless it takes the
 * signal that `work` is given.
 * @throws TimeoutError, AbortedError
 */
export async function withDeadline<T>(work: (signal: AbortSignal) => Promise<T>, options: DeadlineOptions): Promise<T> {
  const withinMs = toMs(options.within)
  const controller = new AbortController()
  const { signal } = options
  if (signal?.aborted) throw abortedWhile(options.describe, signal)
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  try {
    return await Promise.race([
      work(controller.signal),
      new Promise<never>((_, reject) => {
        timer = setTimeout(
          () => reject(new TimeoutError(`Waited ${formatMs(withinMs)} for ${options.describe}, in vain.`)),
          withinMs,
        )
        onAbort = () => reject(abortedWhile(options.describe, signal))
        signal?.addEventListener('abort', onAbort, { once: true })
      }),
    ])
  } finally {
    clearTimeout(timer)
    if (onAbort) signal?.removeEventListener('abort', onAbort)
    controller.abort()
  }
}

/** A pause that ends early, with an error, when the signal is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal ? { signal } : {})
  } catch (error) {
    throw new AbortedError('A pause was aborted.', { cause: error })
  }
}

/** The error for a wait whose signal was aborted; it says why if the signal's reason is an `AbortedError`. */
export function abortedWhile(what: string, signal: AbortSignal | undefined): AbortedError {
  const reason: unknown = signal?.reason
  return new AbortedError(
    `Gave up waiting for ${what}: ${reason instanceof AbortedError ? reason.message : 'the test was cancelled or ran out of time'}.`,
    { cause: reason },
  )
}
