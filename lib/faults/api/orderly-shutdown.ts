import { z } from 'zod'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Confirmation, Fault } from '../definition.ts'
import { jobIsGone, serviceIsBack } from './service.ts'
import { cancelStep, messageStep, messageTaken, SHUTDOWN_MESSAGE, surveyShutdown } from './shutdown-message.ts'

/** A data centre is taken out of service as planned. */
export const orderlyShutdownKind = defineFault({
  kind: 'orderly-shutdown',
  summary: 'The toolkit of a data centre is told to shut down in an orderly way, then its job is cancelled.',
  params: z.strictObject({ dc: dcParam, cancelJob: z.boolean() }),
  capabilities: ['management', 'data'],
  blastRadius: 'job',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,

  survey: (context, { dc }) => surveyShutdown(context, dc),

  plan: (context, { dc, cancelJob }, facts) => ({
    steps: [
      messageStep(context, dc, facts, { startInstance: false, submit: cancelJob }),
      ...(cancelJob ? [cancelStep(dc, facts)] : []),
    ],
    effect: `The toolkit of ${dc} sends no heartbeats and hears none${cancelJob ? '; its job is cancelled' : ''}.`,
    outage: cancelJob ? [dc] : [],
  }),

  async confirm(context, { dc, cancelJob }, facts, injected): Promise<Confirmation> {
    // Where the job is cancelled, its metrics are gone; the first step has seen them.
    const message = injected.steps[0]?.at ?? injected.at
    const evidence = { message: SHUTDOWN_MESSAGE, messageAt: { ...message } }
    if (!cancelJob) {
      await messageTaken(context, dc, facts)
      return { evidence }
    }
    const { earliest } = injected.steps[1]?.at ?? injected.at
    const { latest } = await jobIsGone(context, dc, context.environment.dcs[dc].application.job)
    return { injected: message, outage: { earliest, latest }, evidence: { ...evidence, cancelled: true } }
  },

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/** Options of {@link orderlyShutdown}. */
export interface OrderlyShutdownOptions {
  /**
   * Cancel the job once its toolkit has told the peer, as an operator does. Default true. Without it the data centre goes on
   * with its own work, deaf and mute towards its peer.
   */
  readonly cancelJob?: boolean
}

/**
 * Takes a data centre out of service as planned: its toolkit is told to shut down, then its job is cancelled. `injected` of the
 * fault is when the toolkit was told, `outage` when the job ended. Heals by a fresh job, or a restarted toolkit.
 *
 * By the toolkit's rules: the peer deletes the snapshots that it holds as soon as it is told, so nothing is taken over; it
 * declares DOWN M·P to (M+1)·P after the last heartbeat all the same. The message cannot be taken back: only a toolkit that is
 * started anew speaks again.
 */
export function orderlyShutdown(dc: DcRef, options: OrderlyShutdownOptions = {}): Fault {
  return orderlyShutdownKind.with({ dc: nameOf(dc), cancelJob: options.cancelJob ?? true })
}
