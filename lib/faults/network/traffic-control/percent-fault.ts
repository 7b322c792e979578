import { z } from 'zod'
import { defineFault, type FaultKind } from '../../define-fault.ts'
import type { Fault } from '../../definition.ts'
import { directionParams, readBetween, type BetweenArguments, type DirectionOptions } from './direction.ts'
import { impairmentKind, type ImpairmentFacts } from './impairment-kind.ts'
import type { Impairment } from './impairment.ts'
import { percentParam } from './params.ts'

const params = z.strictObject({ ...directionParams, percent: percentParam })

/** Options of faults that hit some of the packets. */
export interface PercentOptions extends DirectionOptions {
  /** Of each direction's packets that are hit, above 0 and up to 100. */
  readonly percent: number
}

/** A kind of fault that hits packets between the data centres at random. */
export type PercentKind = FaultKind<z.infer<typeof params>, ImpairmentFacts>

/** Defines a {@link PercentKind} by what it does to that share of the packets. */
export function percentKind(kind: string, summary: string, impairmentOf: (percent: number) => Impairment): PercentKind {
  return defineFault({
    kind,
    summary,
    params,
    capabilities: ['packets'],
    ...impairmentKind<z.infer<typeof params>>(({ percent }) => impairmentOf(percent)),
  })
}

/** A fault of a {@link PercentKind} from its constructor's arguments. */
export function percentFault(kind: PercentKind, args: BetweenArguments<PercentOptions>): Fault {
  const { direction, options } = readBetween(args)
  return kind.with({ ...direction, percent: options.percent })
}
