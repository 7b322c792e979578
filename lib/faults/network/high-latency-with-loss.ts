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
import { durationParam, lastingParam, percentParam } from './traffic-control/params.ts'

const params = z.strictObject({ ...directionParams, delay: lastingParam, jitter: durationParam, percent: percentParam })

/** A bad line: slow, and packets are lost. */
export const highLatencyWithLossKind = defineFault({
  kind: 'high-latency-with-loss',
  summary: 'What the data centres send each other is delayed, and some of the packets are lost.',
  params,
  capabilities: ['packets'],
  ...impairmentKind<z.infer<typeof params>>(({ delay, jitter, percent }) => ({
    delay: { delayMs: toMs(delay), jitterMs: toMs(jitter) },
    lossPercent: percent,
  })),
})

/** Options of {@link highLatencyWithLoss}. */
export interface HighLatencyWithLossOptions extends DirectionOptions {
  /** In each direction that is hit. */
  readonly delay: Duration
  /** Up to this much more, anew for each packet. Default none. */
  readonly jitter?: Duration
  /** Of each direction's packets that are lost, above 0 and up to 100. */
  readonly percent: number
}

/** Delays and loses packets at the same time: one fault, since an interface carries one at a time. Needs netem. */
export function highLatencyWithLoss(...args: BetweenArguments<HighLatencyWithLossOptions>): Fault {
  const { direction, options } = readBetween(args)
  const { delay, jitter, percent } = options
  return highLatencyWithLossKind.with({ ...direction, delay, jitter: jitter ?? '0ms', percent })
}
