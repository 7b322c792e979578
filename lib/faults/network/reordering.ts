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
import { lastingParam, percentParam } from './traffic-control/params.ts'

const params = z.strictObject({ ...directionParams, percent: percentParam, delay: lastingParam })

/** Packets overtake each other. */
export const reorderingKind = defineFault({
  kind: 'reordering',
  summary: 'Some of the packets between the data centres overtake the others, which are delayed.',
  params,
  capabilities: ['packets'],
  ...impairmentKind<z.infer<typeof params>>(({ percent, delay }) => ({
    delay: { delayMs: toMs(delay), jitterMs: 0 },
    reorderPercent: percent,
  })),
})

/** Options of {@link reordering}. */
export interface ReorderingOptions extends DirectionOptions {
  /** Of each direction's packets that go at once, above 0 and up to 100. */
  readonly percent: number
  /** How long the others wait: what goes at once overtakes those of this time. Default 10 ms. */
  readonly delay?: Duration
}

/** Lets packets overtake others, at random. Needs netem. */
export function reordering(...args: BetweenArguments<ReorderingOptions>): Fault {
  const { direction, options } = readBetween(args)
  return reorderingKind.with({ ...direction, percent: options.percent, delay: options.delay ?? '10ms' })
}
