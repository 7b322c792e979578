import type { Fault } from '../definition.ts'
import type { BetweenArguments } from './traffic-control/direction.ts'
import { percentFault, percentKind, type PercentOptions } from './traffic-control/percent-fault.ts'

/** Packets arrive with a flipped bit. */
export const corruptionKind = percentKind(
  'corruption',
  'A bit is flipped in some of the packets between the data centres.',
  (percent) => ({
    corruptPercent: percent,
  }),
)

/** Flips a bit in packets at random: checksums find it, so TCP sends them again. Needs netem. */
export function corruption(...args: BetweenArguments<PercentOptions>): Fault {
  return percentFault(corruptionKind, args)
}
