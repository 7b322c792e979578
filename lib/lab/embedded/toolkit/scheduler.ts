import { now } from '../../../core/index.ts'

/** The time that the state machines live in: the machine's, or a virtual one in tests. Milliseconds. */
export interface Scheduler {
  now(): number
  /** Calls once after so many milliseconds; the answer cancels it. */
  after(ms: number, run: () => void): () => void
}

/** Node's timers cannot wait longer, and fire at once when asked to. */
const LONGEST = 2 ** 31 - 1

/** The machine's monotonic clock and Node's timers. */
export const systemScheduler: Scheduler = {
  now,
  after: (ms, run) => {
    let timer: NodeJS.Timeout
    const wait = (left: number): void => {
      timer = setTimeout(() => (left > LONGEST ? wait(left - LONGEST) : run()), Math.min(left, LONGEST))
    }
    wait(ms)
    return () => clearTimeout(timer)
  },
}
