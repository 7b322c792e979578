import { z } from 'zod'
import { toMs, type Duration } from '../../core/index.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import {
  directionParams,
  readBetween,
  type BetweenArguments,
  type DirectionOptions,
} from './traffic-control/direction.ts'
import { impairmentKind } from './traffic-control/impairment-kind.ts'
import { correlationParam, durationParam, lastingParam } from './traffic-control/params.ts'

const params = z.strictObject({
  ...directionParams,
  delay: lastingParam,
  jitter: durationParam,
  correlation: correlationParam.optional(),
})

/** Everything between the data centres takes longer. */
export const latencyKind = defineFault({
  kind: 'latency',
  summary: 'What the data centres send each other is delayed, in each direction or in one.',
  params,
  capabilities: ['links'],
  ...impairmentKind<z.infer<typeof params>>(({ delay, jitter, correlation }) => ({
    delay: { delayMs: toMs(delay), jitterMs: toMs(jitter), ...(correlation === undefined ? {} : { correlation }) },
  })),
})

/** Options of {@link latency}. */
export interface LatencyOptions extends DirectionOptions {
  /** In each direction that is hit: with both, a round trip takes twice as much longer. */
  readonly delay: Duration
  /**
   * Up to this much more, anew for each packet (in the embedded lab: for each piece). Default none. Packets overtake each other
   * where it is longer than the time between them, as on a way with several paths; connections of the embedded lab keep order.
   */
  readonly jitter?: Duration
  /** How alike the jitter of successive packets is, in percent. Default 0. The embedded lab has none. */
  readonly correlation?: number
}

/**
 * Delays what goes between the data centres: `latency(a, b, options)` in each direction, `latency({ from, to }, options)` what
 * `from` sends to `to`. From one end a round trip does not tell which of its halves is slow.
 */
export function latency(...args: BetweenArguments<LatencyOptions>): Fault {
  const { direction, options } = readBetween(args)
  const { delay, jitter, correlation } = options
  return latencyKind.with({
    ...direction,
    delay,
    jitter: jitter ?? '0ms',
    ...(correlation === undefined ? {} : { correlation }),
  })
}
