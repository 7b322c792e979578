import type { Fault } from '../definition.ts'
import type { BetweenArguments } from './traffic-control/direction.ts'
import { percentFault, percentKind, type PercentOptions } from './traffic-control/percent-fault.ts'

/** Packets are lost on the way. */
export const packetLossKind = percentKind(
  'packet-loss',
  'Some of the packets between the data centres are lost.',
  (percent) => ({
    lossPercent: percent,
  }),
)

/**
 * Loses packets at random: `packetLoss(a, b, { percent: 5 })` in each direction, `packetLoss({ from, to }, …)` of what `from` sends to
 * `to`. Where the kernel lacks netem, by the random match of its packet filter, as its plan and evidence say.
 */
export function packetLoss(...args: BetweenArguments<PercentOptions>): Fault {
  return percentFault(packetLossKind, args)
}
