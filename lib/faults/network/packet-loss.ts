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

/** Packets are lost on the way. */
export const packetLossKind = defineFault({
  kind: 'packet-loss',
  summary: 'Some of the packets between the data centres are lost.',
  params,
  capabilities: ['packets'],
  ...impairmentKind<z.infer<typeof params>>(({ percent }) => ({ lossPercent: percent })),
})

/** Options of {@link packetLoss}. */
export interface PacketLossOptions extends DirectionOptions {
  /** Of each direction's packets that are lost, above 0 and up to 100. */
  readonly percent: number
}

/**
 * Loses packets at random: `packetLoss(a, b, { percent: 5 })` in each direction, `packetLoss({ from, to }, …)` of what `from` sends to
 * `to`. Where the kernel lacks netem, by the random match of its packet filter, as its plan and evidence say.
 */
export function packetLoss(...args: BetweenArguments<PacketLossOptions>): Fault {
  const { direction, options } = readBetween(args)
  return packetLossKind.with({ ...direction, percent: options.percent })
}
