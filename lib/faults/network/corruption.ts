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

/** Packets arrive with a flipped bit. */
export const corruptionKind = defineFault({
  kind: 'corruption',
  summary: 'A bit is flipped in some of the packets between the data centres.',
  params,
  capabilities: ['packets'],
  ...impairmentKind<z.infer<typeof params>>(({ percent }) => ({ corruptPercent: percent })),
})

/** Options of {@link corruption}. */
export interface CorruptionOptions extends DirectionOptions {
  /** Of each direction's packets that are hit, above 0 and up to 100. */
  readonly percent: number
}

/**
 * Flips a bit in packets at random: checksums find it, so TCP sends them again. Needs netem.
 */
export function corruption(...args: BetweenArguments<CorruptionOptions>): Fault {
  const { direction, options } = readBetween(args)
  return corruptionKind.with({ ...direction, percent: options.percent })
}
