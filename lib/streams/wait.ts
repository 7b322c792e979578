import { ConfigurationError, eventually, type Duration } from '../core/index.ts'
import { ForbiddenError, JobLostError, NotFoundError, RejectedError, UnauthorizedError } from './errors.ts'

/** Options of {@link until}. */
export interface UntilOptions<T> {
  readonly within: Duration
  readonly every?: Duration | undefined
  readonly signal?: AbortSignal | undefined
  readonly describe: string
  readonly done: (value: T) => boolean
  /** One line on a value that is not it yet. */
  readonly seen: (value: T) => string
  readonly onAttempt?: ((seen: string, elapsedMs: number) => void) | undefined
}

/**
 * Reads until the value is the awaited one. Trouble that may pass is waited out; errors that waiting cannot cure are thrown at once.
 * @throws TimeoutError, AbortedError, UnauthorizedError, ForbiddenError, NotFoundError, RejectedError
 */
export async function until<T>(read: (signal: AbortSignal) => Promise<T>, options: UntilOptions<T>): Promise<T> {
  const { value } = await eventually<{ value: T } | { error: unknown }>(
    async (signal) => {
      try {
        const current = await read(signal)
        return options.done(current)
          ? { done: true, value: { value: current } }
          : { done: false, seen: options.seen(current) }
      } catch (error) {
        if (isFinal(error)) return { done: true, value: { error } }
        throw error
      }
    },
    {
      within: options.within,
      every: options.every ?? '100ms',
      describe: options.describe,
      signal: options.signal,
      ...(options.onAttempt ? { onAttempt: options.onAttempt } : {}),
    },
  )
  if ('error' in value) throw value.error
  return value.value
}

function isFinal(error: unknown): boolean {
  return (
    error instanceof UnauthorizedError ||
    error instanceof ForbiddenError ||
    error instanceof NotFoundError ||
    error instanceof RejectedError ||
    error instanceof JobLostError ||
    error instanceof ConfigurationError
  )
}
