import type { Scheduler } from './scheduler.ts'

/** A source of ticks: the first after `initDelayMs`, then one `periodMs` after each submit has returned, so ticks drift. */
export class Beacon {
  readonly #options: { readonly initDelayMs: number; readonly periodMs: number }
  readonly #scheduler: Scheduler
  readonly #submit: () => void
  #running = false
  #cancel: (() => void) | undefined

  constructor(
    options: { readonly initDelayMs: number; readonly periodMs: number },
    scheduler: Scheduler,
    submit: () => void,
  ) {
    this.#options = options
    this.#scheduler = scheduler
    this.#submit = submit
  }

  start(): void {
    this.#running = true
    this.#plan(this.#options.initDelayMs)
  }

  stop(): void {
    this.#running = false
    this.#cancel?.()
  }

  #plan(ms: number): void {
    this.#cancel = this.#scheduler.after(ms, () => {
      this.#submit()
      if (this.#running) this.#plan(this.#options.periodMs)
    })
  }
}
