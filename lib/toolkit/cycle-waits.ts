import { abortedWhile, now, TimeoutError, toMs, type Observed } from '../core/index.ts'
import type { MonitorWaitOptions } from './monitor-api.ts'

/** Waits that are tried after every cycle of a monitor. */
export class CycleWaits {
  readonly #signal: AbortSignal
  readonly #seen: () => string
  readonly #attempts = new Set<() => void>()

  /** @param options.signal the monitor's own end; `seen` is what a message says was seen last */
  constructor(options: { readonly signal: AbortSignal; readonly seen: () => string }) {
    this.#signal = options.signal
    this.#seen = options.seen
  }

  /** A cycle is done. */
  check(): void {
    for (const attempt of [...this.#attempts]) attempt()
  }

  /**
   * Waits until the probe gives a value. The interval runs from the last try that gave none. A probe that throws ends the wait
   * with its error.
   * @throws TimeoutError, AbortedError
   */
  until<T>(
    probe: () => T | undefined,
    options: MonitorWaitOptions & { readonly describe: string },
  ): Promise<Observed<T>> {
    const { describe, within } = options
    const signal = options.signal ? AbortSignal.any([options.signal, this.#signal]) : this.#signal
    return new Promise((resolve, reject) => {
      let denied = now()
      const done = (): void => {
        clearTimeout(timer)
        this.#attempts.delete(attempt)
        signal.removeEventListener('abort', onAbort)
      }
      const attempt = (): void => {
        const asked = now()
        try {
          const value = probe()
          if (value === undefined) {
            denied = asked
          } else {
            done()
            resolve({ value, at: { earliest: denied, latest: now() } })
          }
        } catch (error) {
          done()
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      }
      const onAbort = (): void => {
        done()
        reject(abortedWhile(describe, signal))
      }
      const timer = setTimeout(() => {
        done()
        reject(new TimeoutError(`Waited ${within} for ${describe}, in vain.\nSeen last: ${this.#seen()}`))
      }, toMs(within))
      this.#attempts.add(attempt)
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      else attempt()
    })
  }
}
