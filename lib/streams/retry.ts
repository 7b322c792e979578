import { toMs } from '../core/index.ts'
import type { RetryOptions } from './connection.ts'
import { RateLimitedError, RequestTimeoutError, ServerError, UnreachableError, type StreamsError } from './errors.ts'

/** Whether, and after how long, a failed try is followed by another one. */
export interface RetryPolicy {
  readonly attempts: number
  /**
   * Milliseconds to pause before the next try, or undefined if there must not be one.
   * @param repeatable whether doing the call twice is the same as doing it once
   * @param attempt how many tries failed so far, from 1
   */
  pauseAfter(error: StreamsError, attempt: number, repeatable: boolean): number | undefined
}

/**
 * Exponential backoff with full jitter. A call that changes something is repeated only if the server certainly never got it (no
 * connection) or said that it did nothing (429).
 */
export function retryPolicy(options: RetryOptions = {}): RetryPolicy {
  const base = toMs(options.base ?? '100ms')
  const cap = toMs(options.cap ?? '2s')
  const random = options.random ?? Math.random
  const attempts = options.attempts ?? 4
  return {
    attempts,
    pauseAfter(error, attempt, repeatable) {
      if (!isTransient(error)) return undefined
      if (!repeatable && error.mayHaveReached && !(error instanceof RateLimitedError)) return undefined
      const jittered = random() * Math.min(cap, base * 2 ** (attempt - 1))
      return Math.max(jittered, error.retryAfterMs ?? 0)
    },
  }
}

/** Errors that may be gone at the next try. */
export function isTransient(error: unknown): boolean {
  if (error instanceof UnreachableError) return error.kind !== 'tls'
  return error instanceof RequestTimeoutError || error instanceof ServerError || error instanceof RateLimitedError
}
