import { z } from 'zod'
import type { Duration } from '../../core/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { everyParam, forgingKind, originOf, surveyForging } from './forging.ts'
import { toolkitCounters } from './toolkit-counters.ts'

const params = z
  .strictObject({ from: dcParam, to: dcParam, every: everyParam.exactOptional() })
  .refine(({ from, to }) => from !== to, 'from and to must be two different data centres')

/** A data centre's last heartbeat is sent again and again. */
export const heartbeatsStaleKind = defineFault({
  kind: 'heartbeats-stale',
  summary: 'The last heartbeat of a data centre is delivered again and again, with its old count.',
  params,
  ...forgingKind<z.infer<typeof params>>(),

  async survey(context, params) {
    const { from } = params
    const { sent, snapshots } = await toolkitCounters(context, from)
    if (sent === 0) {
      throw new FaultTargetError(`${from} has sent no heartbeat that could be repeated.`, {
        remedy: 'Wait until its toolkit has started to send.',
      })
    }
    // Heartbeats and snapshots share one count, from 1; nothing else of a heartbeat changes (toolkit reference §7).
    const message = { count: String(sent + snapshots), counts: false, origin: originOf(context.environment, from) }
    return surveyForging(context, params, message)
  },
})

/** Options of {@link heartbeatsStale}. */
export interface StaleHeartbeats {
  /** Whose heartbeat is repeated. */
  readonly from: DcRef
  /** Who receives it. */
  readonly to: DcRef
  /** Time from one to the next: half of the toolkit's own at most, to be told from real ones. Default a quarter of it. */
  readonly every?: Duration
}

/**
 * Delivers the last heartbeat that a data centre sent again and again, bit for bit, as a replay or a queue that is stuck does.
 * Its count is known from the data centre's own metrics, and the rest of it from its configuration.
 *
 * By the toolkit's rules: a receiver does not look at the count, so an old heartbeat is as good as a new one. See
 * `heartbeatsForged` for what follows.
 */
export function heartbeatsStale({ from, to, ...options }: StaleHeartbeats): Fault {
  return heartbeatsStaleKind.with({ from: nameOf(from), to: nameOf(to), ...options })
}
