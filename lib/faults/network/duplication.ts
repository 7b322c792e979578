import { z } from 'zod'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import {
  directionParams,
  readBetween,
  type BetweenArguments,
  type DirectionOptions,
} from './traffic-control/direction.ts'
import { impairmentKind } from './traffic-control/impairment-kind.ts'
import { percentParam } from './traffic-control/params.ts'

const params = z.strictObject({ ...directionParams, percent: percentParam })

/** Packets arrive twice. */
export const duplicationKind = defineFault({
  kind: 'duplication',
  summary: 'Some of the packets between the data centres arrive twice.',
  params,
  capabilities: ['packets'],
  ...impairmentKind<z.infer<typeof params>>(({ percent }) => ({ duplicatePercent: percent })),
})

/** Options of {@link duplication}. */
export interface DuplicationOptions extends DirectionOptions {
  /** Of each direction's packets that are doubled, above 0 and up to 100. */
  readonly percent: number
}

/**
 * Sends packets twice, at random. Needs netem.
 */
export function duplication(...args: BetweenArguments<DuplicationOptions>): Fault {
  const { direction, options } = readBetween(args)
  return duplicationKind.with({ ...direction, percent: options.percent })
}
