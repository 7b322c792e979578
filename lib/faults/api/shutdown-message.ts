import { eventually } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import type { Endpoint } from '../../streams/index.ts'
import type { FaultContext, FaultStep, PlanContext } from '../definition.ts'
import { FaultFailedError } from '../errors.ts'
import { apiUndo, undoProgram, type UndoWish } from './api-undo.ts'
import { healthyJob, jobIsGone, portCounter } from './service.ts'

/** The word that the toolkit understands, exactly as written (toolkit reference §3). */
export const SHUTDOWN_MESSAGE = 'OrderlyShutdown'
/** Where the toolkit counts special messages, and sends the news of a shutdown to its peer (§5, §13.1). */
const PREPARER = 'HeartbeatMessagePreparer'
const SPECIAL_MESSAGES = { side: 'input', port: 2, metric: 'nTuplesProcessed' } as const
const NEWS_SENT = { side: 'output', port: 1, metric: 'nTuplesSubmitted' } as const

/** What must be known to tell a toolkit to shut down, and to see that it has heard. */
export interface ShutdownFacts {
  readonly job: string
  readonly endpoint: Endpoint
  readonly operator: string
  readonly counters: Counters
  readonly program: string
}

interface Counters {
  readonly messages: number
  readonly news: number
}

/** Finds the way to the toolkit of a data centre, and reads its counters. */
export async function surveyShutdown(context: FaultContext, dc: DcName): Promise<ShutdownFacts> {
  const { application } = context.environment.dcs[dc]
  const job = await healthyJob(context, dc)
  const endpoint = await context.clients[dc].data.endpoint(
    { job: application.job, operator: application.operators.special, direction: 'inject' },
    { signal: context.signal },
  )
  const operator = `${context.environment.operatorPrefix}.${PREPARER}`
  const counters = { messages: await count(context, dc, SPECIAL_MESSAGES), news: await count(context, dc, NEWS_SENT) }
  return { job: job.id, endpoint, operator, counters, program: await undoProgram() }
}

/** Tells the toolkit to shut down, and waits until it has told its peer. The undo is that of the whole fault. */
export function messageStep(
  context: PlanContext,
  dc: DcName,
  facts: ShutdownFacts,
  undo: Pick<UndoWish, 'startInstance' | 'submit'>,
): FaultStep {
  const { endpoint, operator, program } = facts
  return {
    host: 'runner',
    do: {
      call: `{"msg":"${SHUTDOWN_MESSAGE}"} to ${endpoint.operator} at ${dc}`,
      async run(step) {
        const { outcome, reason } = await step.clients[dc].data.inject(endpoint, [{ msg: SHUTDOWN_MESSAGE }], {
          signal: step.signal,
        })
        if (outcome !== 'acknowledged') throw new FaultFailedError(`The message was ${outcome}: ${reason}.`)
        // Cancelled earlier, the peer would not get the news.
        await messageTaken(step, dc, facts)
      },
    },
    ...apiUndo(context, dc, program, { ...undo, restartQuiesced: { operator, port: SPECIAL_MESSAGES.port } }),
  }
}

/** Cancels the job of the survey and waits until it is gone; the undo of {@link messageStep} brings a new one. */
export function cancelStep(dc: DcName, { job }: ShutdownFacts): FaultStep {
  return {
    host: 'runner',
    do: {
      call: `DELETE of job ${job} at ${dc}`,
      run: async (step: FaultContext) => {
        await step.clients[dc].management.cancelJob(job, { signal: step.signal })
        await jobIsGone(step, dc, step.environment.dcs[dc].application.job)
      },
    },
    // One undo does it all.
    undo: ['true'],
  }
}

/** Waits until the toolkit's counters show that it took the message and told its peer. */
export async function messageTaken(
  context: FaultContext,
  dc: DcName,
  { counters: before }: Pick<ShutdownFacts, 'counters'>,
): Promise<void> {
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
