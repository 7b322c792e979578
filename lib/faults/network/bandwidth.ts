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
import { rateParam } from './traffic-control/params.ts'
import { toBitsPerSecond, type Rate } from './traffic-control/rate.ts'

const params = z.strictObject({ ...directionParams, rate: rateParam })

/** The way between the data centres carries less. */
export const bandwidthKind = defineFault({
  kind: 'bandwidth',
  summary: 'The way between the data centres carries no more than a rate, in each direction or in one.',
  params,
  capabilities: ['links'],
  ...impairmentKind<z.infer<typeof params>>(({ rate }) => ({ rateBitsPerSecond: toBitsPerSecond(rate) })),
})

/** Options of {@link bandwidth}. */
export interface BandwidthOptions extends DirectionOptions {
  /**
   * Bits per second, as in `'1mbit'`, of each direction. Each host has it for itself on each of its interfaces to the far side; in
   * the embedded lab each link has.
   */
  readonly rate: Rate
}

/** Limits the rate between the data centres; what is more waits for up to 0.4 s, and is dropped then, as by a full router. */
export function bandwidth(...args: BetweenArguments<BandwidthOptions>): Fault {
  const { direction, options } = readBetween(args)
  return bandwidthKind.with({ ...direction, rate: options.rate })
}
