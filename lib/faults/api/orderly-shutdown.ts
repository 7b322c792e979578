import { z } from 'zod'
import { eventually, now, type Interval } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Confirmation, Fault, FaultContext } from '../definition.ts'
import { FaultFailedError } from '../errors.ts'
import { apiUndo, undoProgram } from './api-undo.ts'
import { healthyJob, offersEndpoints, portCounter, serviceIsBack } from './service.ts'

/** The word that the toolkit understands, exactly as written (toolkit reference §3). */
const MESSAGE = 'OrderlyShutdown'
/** Where the toolkit counts special messages, and sends the news of a shutdown to its peer (§5, §13.1). */
const PREPARER = 'HeartbeatMessagePreparer'
const SPECIAL_MESSAGES = { side: 'input', port: 2, metric: 'nTuplesProcessed' } as const
const NEWS_SENT = { side: 'output', port: 1, metric: 'nTuplesSubmitted' } as const

/** A data centre is taken out of service as planned. */
export const orderlyShutdownKind = defineFault({
  kind: 'orderly-shutdown',
  summary: 'The toolkit of a data centre is told to shut down in an orderly way, then its job is cancelled.',
  params: z.strictObject({ dc: dcParam, cancelJob: z.boolean() }),
  capabilities: ['management', 'data'],
  blastRadius: 'job',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,

  async survey(context, { dc }) {
    const { application } = context.environment.dcs[dc]
    const job = await healthyJob(context, dc)
    const endpoint = await context.clients[dc].data.endpoint(
      { job: application.job, operator: application.operators.special, direction: 'inject' },
      { signal: context.signal },
    )
    const operator = `${context.environment.operatorPrefix}.${PREPARER}`
    const counters = { messages: await count(context, dc, SPECIAL_MESSAGES), news: await count(context, dc, NEWS_SENT) }
    return { job: job.id, endpoint, operator, counters, program: await undoProgram() }
  },

  plan: (context, { dc, cancelJob }, { job, endpoint, operator, counters, program }) => ({
    steps: [
      {
        host: 'runner',
        do: {
          call: `{"msg":"${MESSAGE}"} to ${endpoint.operator} at ${dc}`,
          async run(step) {
            const { outcome, reason } = await step.clients[dc].data.inject(endpoint, [{ msg: MESSAGE }], {
              signal: step.signal,
            })
            if (outcome !== 'acknowledged') throw new FaultFailedError(`The message was ${outcome}: ${reason}.`)
            // Cancelled earlier, the peer would not get the news.
            await taken(step, dc, counters)
          },
        },
        ...apiUndo(context, dc, program, {
          startInstance: false,
          submit: cancelJob,
          restartQuiesced: { operator, port: SPECIAL_MESSAGES.port },
        }),
      },
      ...(cancelJob
        ? [
            {
              host: 'runner' as const,
              do: {
                call: `DELETE of job ${job} at ${dc}`,
                run: async (step: FaultContext) => {
                  await step.clients[dc].management.cancelJob(job, { signal: step.signal })
                },
              },
              // One undo does it all.
              undo: ['true'],
            },
          ]
        : []),
    ],
    effect: `The toolkit of ${dc} sends no heartbeats and hears none${cancelJob ? '; its job is cancelled' : ''}.`,
    outage: cancelJob ? [dc] : [],
  }),

  async confirm(context, { dc, cancelJob }, { counters }, injected): Promise<Confirmation> {
    // Where the job is cancelled, its metrics are gone; the first step has seen them.
    const message = injected.steps[0]?.at ?? injected.at
    const evidence = { message: MESSAGE, messageAt: { ...message } }
    if (!cancelJob) {
      await taken(context, dc, counters)
      return { evidence }
    }
    const cancelled = await cancelledAt(context, dc, injected.steps[1]?.at ?? injected.at)
    return { injected: message, outage: cancelled, evidence: { ...evidence, cancelled: true } }
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
 */
export function orderlyShutdown(dc: DcRef, options: OrderlyShutdownOptions = {}): Fault {
  return orderlyShutdownKind.with({ dc: nameOf(dc), cancelJob: options.cancelJob ?? true })
}

interface Counters {
  readonly messages: number
  readonly news: number
}

async function count(
  context: FaultContext,
  dc: DcName,
  where: { readonly side: 'input' | 'output'; readonly port: number; readonly metric: string },
): Promise<number> {
  const { management } = context.clients[dc]
  const job = await management.findJob(context.environment.dcs[dc].application.job, { signal: context.signal })
  if (!job) throw new FaultFailedError(`${dc} has no job any more.`)
  const operator = `${context.environment.operatorPrefix}.${PREPARER}`
  const value = await portCounter(management, { job, operator, ...where }, context.signal)
  if (value === undefined) throw new FaultFailedError(`${dc} shows no ${where.metric} of ${operator}.`)
  return value
}

/** Waits until the toolkit's counters show that it took the message and told its peer. */
async function taken(context: FaultContext, dc: DcName, before: Counters): Promise<void> {
  await eventually(
    async () => {
      const messages = await count(context, dc, SPECIAL_MESSAGES)
      const news = await count(context, dc, NEWS_SENT)
      return messages > before.messages && news > before.news
        ? { done: true, value: true }
        : { done: false, seen: `${messages - before.messages} messages taken, ${news - before.news} sent on` }
    },
    { within: '20s', every: '10ms', signal: context.signal, describe: `the toolkit of ${dc} to take the message` },
  )
}

async function cancelledAt(context: FaultContext, dc: DcName, step: Interval): Promise<Interval> {
  const { management } = context.clients[dc]
  const name = context.environment.dcs[dc].application.job
  await eventually(
    async (signal) => {
      const found = await management.findJob(name, { signal })
      if (found && found.status !== 'canceled') return { done: false, seen: `the job is ${found.status}` }
      if (await offersEndpoints(context, dc, name)) return { done: false, seen: 'its endpoints are still offered' }
      return { done: true, value: true }
    },
    { within: '20s', every: '10ms', signal: context.signal, describe: `the job ${name} to be gone from ${dc}` },
  )
  return { earliest: step.earliest, latest: now() }
}
