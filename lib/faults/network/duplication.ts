import type { Fault } from '../definition.ts'
import type { BetweenArguments } from './traffic-control/direction.ts'
import { percentFault, percentKind, type PercentOptions } from './traffic-control/percent-fault.ts'

/** Packets arrive twice. */
export const duplicationKind = percentKind(
  'duplication',
  'Some of the packets between the data centres arrive twice.',
  (percent) => ({
    duplicatePercent: percent,
  }),
)

/** Sends packets twice, at random. Needs netem. */
export function duplication(...args: BetweenArguments<PercentOptions>): Fault {
  return percentFault(duplicationKind, args)
}
