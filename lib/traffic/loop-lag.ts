import { monitorEventLoopDelay } from 'node:perf_hooks'
import { now } from '../core/index.ts'
import type { LoopLag } from './messages.ts'

/** The histogram is fed by a timer of this period, which its values contain. */
const RESOLUTION_MS = 10

/** Measures by how much this thread's event loop is late. */
export interface LoopLagMonitor {
  /** What was measured since the last call. */
  take(): LoopLag
  stop(): void
}

/** Starts measuring. */
export function monitorLoopLag(): LoopLagMonitor {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  let earliest = now()
  const ms = (nanoseconds: number): number =>
    Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS) : 0
  return {
    take() {
      const latest = now()
      const lag = {
        earliest,
        latest,
        meanMs: delays.count === 0 ? 0 : ms(delays.mean),
        p99Ms: delays.count === 0 ? 0 : ms(delays.percentile(99)),
        maxMs: delays.count === 0 ? 0 : ms(delays.max),
      }
      delays.reset()
      earliest = latest
      return lag
    },
    stop: () => void delays.disable(),
  }
}
