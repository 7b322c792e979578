import { abortedWhile, pause } from './deadline.ts'
import { systemClock, type Clock } from './clock.ts'
import { formatMs, toMs, type Duration } from './duration.ts'
import { messageOf, TimeoutError } from './errors.ts'
import type { Interval } from './interval.ts'

/** What a probe saw: `done` with a value, or not yet, with a word on what it saw instead. */
export type Probe<T> = { readonly done: true; readonly value: T } | { readonly done: false; readonly seen: string }

/** Options of {@link eventually}. */
export interface EventuallyOptions {
  readonly within: Duration
  readonly every: Duration
  readonly describe: string
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock
  /** Called after each probe that was not yet done: for live progress. */
  readonly onAttempt?: (seen: string, elapsedMs: number) => void
}

/** A value with the time at which it became true: after the last probe that denied it, before the answer that showed it. */
export interface Observed<T> {
  readonly value: T
  readonly at: Interval
}

const KEPT_ATTEMPTS = 5

/**
 * Probes until done. The answer's interval begins where the last unsuccessful probe was *asked*, and ends when the successful
 * one was *answered*. A probe that throws counts as not yet.
 * @throws TimeoutError whose message lists the last probes; AbortedError when the signal is aborted
 */
export async function eventually<T>(
  probe: (signal: AbortSignal) => Promise<Probe<T>>,
  options: EventuallyOptions,
): Promise<Observed<T>> {
  const clock = options.clock ?? systemClock
  const withinMs = toMs(options.within)
  const everyMs = toMs(options.every)
  const start = clock.now()
  const deadline = AbortSignal.timeout(Math.ceil(withinMs))
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline
  const attempts: string[] = []
  let count = 0
  let lastError: unknown
  let earliest = start
  while (true) {
    if (options.signal?.aborted) throw abortedWhile(options.describe, options.signal)
    const asked = clock.now()
    let seen: string
    try {
      const answer = await probe(signal)
      if (answer.done) return { value: answer.value, at: { earliest, latest: clock.now() } }
      seen = answer.seen
      // A probe that failed proves nothing about the time, one that said "not yet" does.
      earliest = asked
    } catch (error) {
      lastError = error
      seen = messageOf(error)
    }
    count++
    const since = clock.now() - start
    attempts.push(`  ${formatMs(asked - start).padStart(8)}  ${seen}`)
    if (attempts.length > KEPT_ATTEMPTS) attempts.shift()
    options.onAttempt?.(seen, since)
    if (options.signal?.aborted) throw abortedWhile(options.describe, options.signal)
    if (since + everyMs >= withinMs) break
    await pause(everyMs, options.signal).catch(() => {
      throw abortedWhile(options.describe, options.signal)
    })
  }
  throw new TimeoutError(
    `Waited ${formatMs(withinMs)} for ${options.describe}, in vain.\nLast of ${count} probes:\n${attempts.join('\n')}`,
    { cause: lastError },
  )
}
