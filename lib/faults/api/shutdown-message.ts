import { eventually } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import type { Endpoint } from '../../streams/index.ts'
import type { FaultContext, FaultStep, PlanContext } from '../definition.ts'
import { FaultFailedError } from '../errors.ts'
import { apiUndo, undoProgram, type UndoWish } from './api-undo.ts'
import { healthyJob, jobIsGone, portCounter } from './service.ts'

/** The word that the toolkit understands, exactly as written (toolkit reference §3). */
export const SHUTDOWN_MESSAGE = 'OrderlyShutdown'
/** Where the toolkit counts special messages, and the news of a shutdown on its way to the peer (§5, §13.1). */
const PREPARER = 'HeartbeatMessagePreparer'
const COUNTED = {
  messages: { operator: PREPARER, side: 'input', port: 2, metric: 'nTuplesProcessed' },
  news: { operator: PREPARER, side: 'output', port: 1, metric: 'nTuplesSubmitted' },
  /** A sender is done with its tuple when the peer has answered, or could not be reached. */
  posted: { operator: 'CrossDataCenterSender2', side: 'input', port: 1, metric: 'nTuplesProcessed' },
} as const

/** What must be known to tell a toolkit to shut down, and to see that it has heard. */
export interface ShutdownFacts {
  readonly job: string
  readonly endpoint: Endpoint
  readonly operator: string
  readonly counters: Counters
  readonly program: string
}

type Counters = Readonly<Record<keyof typeof COUNTED, number>>

/** Finds the way to the toolkit of a data centre, and reads its counters. */
export async function surveyShutdown(context: FaultContext, dc: DcName): Promise<ShutdownFacts> {
  const { application } = context.environment.dcs[dc]
  const job = await healthyJob(context, dc)
  const endpoint = await context.clients[dc].data.endpoint(
    { job: application.job, operator: application.operators.special, direction: 'inject' },
    { signal: context.signal },
  )
  const operator = `${context.environment.operatorPrefix}.${PREPARER}`
  return { job: job.id, endpoint, operator, counters: await count(context, dc), program: await undoProgram() }
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
    ...apiUndo(context, dc, program, { ...undo, restartQuiesced: { operator, port: COUNTED.messages.port } }),
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

/** Waits until the toolkit's counters show that it took the message, and that the news of it left. */
export async function messageTaken(
  context: FaultContext,
  dc: DcName,
  { counters: before }: Pick<ShutdownFacts, 'counters'>,
): Promise<void> {
  await eventually(
    async () => {
      const now = await count(context, dc)
      const [messages, news, posted] = [
        now.messages - before.messages,
        now.news - before.news,
        now.posted - before.posted,
      ]
      return messages > 0 && news > 0 && posted > 0
        ? { done: true, value: true }
        : { done: false, seen: `${messages} messages taken, ${news} sent on, ${posted} posted to the peer` }
    },
    { within: '20s', every: '10ms', signal: context.signal, describe: `the toolkit of ${dc} to take the message` },
  )
}

async function count(context: FaultContext, dc: DcName): Promise<Counters> {
  const { management } = context.clients[dc]
  const job = await management.findJob(context.environment.dcs[dc].application.job, { signal: context.signal })
  if (!job) throw new FaultFailedError(`${dc} has no job any more.`)
  const { jobs } = await management.metricsSnapshot({ job, signal: context.signal })
  const read = ({ operator, ...where }: (typeof COUNTED)[keyof typeof COUNTED]): number => {
    const name = `${context.environment.operatorPrefix}.${operator}`
    const value = portCounter(jobs, { operator: name, ...where })
    if (value === undefined) throw new FaultFailedError(`${dc} shows no ${where.metric} of ${name}.`)
    return value
  }
  return { messages: read(COUNTED.messages), news: read(COUNTED.news), posted: read(COUNTED.posted) }
}
