import { now, pause } from '../core/index.ts'

/** Options of {@link poll}. */
export interface PollOptions {
  readonly everyMs: number
  readonly signal: AbortSignal
  /** One cycle. It must end by its own deadline and must not throw. */
  readonly cycle: () => Promise<void>
}

/** Runs cycles until the signal ends it: the next begins `everyMs` after the last began, or when that ended if later. */
export async function poll({ everyMs, signal, cycle }: PollOptions): Promise<void> {
  while (!signal.aborted) {
    const began = now()
    await cycle()
    // Aborting is how polling ends.
    await pause(Math.max(0, began + everyMs - now()), signal).catch(() => undefined)
  }
}
