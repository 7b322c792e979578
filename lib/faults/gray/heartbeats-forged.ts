import { z } from 'zod'
import type { Duration } from '../../core/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { everyParam, forgingKind, originOf, surveyForging } from './forging.ts'

const params = z
  .strictObject({
    from: dcParam,
    to: dcParam,
    every: everyParam.exactOptional(),
    name: z.string().exactOptional(),
    count: z.int().nonnegative().exactOptional(),
  })
  .refine(({ from, to }) => from !== to, 'from and to must be two different data centres')

/** Somebody else sends the heartbeats of a data centre. */
export const heartbeatsForgedKind = defineFault({
  kind: 'heartbeats-forged',
  summary: 'Somebody else sends heartbeats of a data centre, so that the other holds it for up.',
  params,
  ...forgingKind<z.infer<typeof params>>(),
  survey: (context, params) =>
    surveyForging(context, params, {
      count: String(params.count ?? 1),
      counts: true,
      origin: params.name ?? originOf(context.environment, params.from),
    }),
})

/** Options of {@link heartbeatsForged}. */
export interface ForgedHeartbeats {
  /** Whose heartbeats are forged. */
  readonly from: DcRef
  /** Who receives them. */
  readonly to: DcRef
  /** Time from one to the next: half of the toolkit's own at most, to be told from real ones. Default a quarter of it. */
  readonly every?: Duration
  /** The name that they carry. Default that of `from`. */
  readonly name?: string
  /** The count of the first; the next ones count on. Default 1, as of a toolkit that has just started. */
  readonly count?: number
}

/**
 * Sends heartbeats of a data centre in its place, from this machine. Heals by ending that; it also ends with the runner's lease.
 *
 * By the toolkit's rules: whatever is posted to the heartbeat port counts, before it is even decoded. Name, count and type are
 * not checked, and nobody must prove who he is. So `to` holds `from` for up as long as they come, whatever became of `from`: no
 * DOWN, no takeover, and the time to recover has no end. One that holds its peer for down takes it for up again, and sends
 * heartbeats itself: which is also a way out of a split brain that does not heal. A wrong name or count changes nothing of this.
 */
export function heartbeatsForged({ from, to, ...options }: ForgedHeartbeats): Fault {
  return heartbeatsForgedKind.with({ from: nameOf(from), to: nameOf(to), ...options })
}
