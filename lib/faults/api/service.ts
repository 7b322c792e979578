import { eventually, messageOf, now, toMs, type Duration, type Interval } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { StreamsError, type Job, type MetricsSnapshot } from '../../streams/index.ts'
import type { Confirmation, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'

const BACK_WITHIN: Duration = '60s'

/** Waits until a data centre's management API answers, its instance runs, and its job is healthy. */
export async function serviceIsBack(context: FaultContext, dc: DcName): Promise<Confirmation> {
  const { management } = context.clients[dc]
  const name = context.environment.dcs[dc].application.job
  const back = await eventually(
    async (signal) => {
      const once = { attempts: 1, signal } as const
      const instance = await management.instance(undefined, once)
      if (instance.status !== 'running') return { done: false, seen: `the instance is ${instance.status}` }
      const job = await management.findJob(name, once)
      if (!job) return { done: false, seen: `there is no job ${name}` }
      if (job.health !== 'healthy') return { done: false, seen: `the job is ${job.health}` }
      return { done: true, value: job }
    },
    { within: BACK_WITHIN, every: '50ms', signal: context.signal, describe: `${dc} to be back with a healthy job` },
  )
  return { evidence: { job: back.value.id, health: back.value.health } }
}

/**
 * The job of the environment at a data centre.
 * @throws FaultTargetError if there is none, or it is not healthy: a fault in a sick job proves nothing
 */
export async function healthyJob(context: FaultContext, dc: DcName): Promise<Job> {
  const { application } = context.environment.dcs[dc]
  const job = await context.clients[dc].management.findJob(application.job, { signal: context.signal })
  if (!job) {
    throw new FaultTargetError(`${dc} runs no job ${application.job}.`, {
      remedy: 'Submit it, or correct application.job of the environment.',
    })
  }
  if (job.health !== 'healthy') {
    throw new FaultTargetError(`The job ${application.job} at ${dc} is ${job.health}.`, {
      remedy: 'Wait until it is healthy, or repair it: a fault in a sick job proves nothing.',
    })
  }
  return job
}

/** Whether the data service of a data centre still offers endpoints of a job. A service that does not answer offers none. */
export async function offersEndpoints(context: FaultContext, dc: DcName, job: string): Promise<boolean> {
  try {
    const { jobs } = await context.clients[dc].data.discover({ attempts: 1, within: '2s', signal: context.signal })
    return jobs.some((found) => found.name === job && found.endpoints.length > 0)
  } catch (error) {
    if (context.signal.aborted) throw new FaultTargetError(messageOf(error), { cause: error })
    return false
  }
}

/**
 * Waits until a data centre runs no job of a name and offers no endpoints of it. The interval is when the job was seen to be gone,
 * and with it its service; that the data service has noticed, too, may take longer to see.
 */
export async function jobIsGone(context: FaultContext, dc: DcName, name: string): Promise<Interval> {
  const { management } = context.clients[dc]
  const { signal } = context
  const until = now() + toMs('25s')
  const left = (): Duration => `${Math.max(1000, Math.ceil(until - now()))}ms`
  const gone = await eventually(
    async (asking) => {
      const found = await management.findJob(name, { signal: asking })
      return found && found.status !== 'canceled'
        ? { done: false, seen: `the job is ${found.status}` }
        : { done: true, value: true }
    },
    { within: left(), every: '10ms', signal, describe: `the job ${name} to be gone from ${dc}` },
  )
  await eventually(
    async () =>
      (await offersEndpoints(context, dc, name))
        ? { done: false, seen: 'its endpoints are still offered' }
        : { done: true, value: true },
    { within: left(), every: '10ms', signal, describe: `the endpoints of ${name} to be gone from ${dc}` },
  )
  return gone.at
}

/**
 * A look at the management API, for the question whether a fault is still on. Where it does not answer, by another fault say,
 * nothing tells that this one has ended.
 */
export async function unlessUnanswered(look: () => Promise<void>): Promise<void> {
  try {
    await look()
  } catch (error) {
    if (!(error instanceof StreamsError)) throw error
  }
}

/** The operator names that an application and its failover composite have, by their last part. */
export function isNamed(found: string, wanted: string): boolean {
  return found === wanted || found.split(/\.|::/).at(-1) === wanted
}

/** Reads one counter of a port of an operator, added up over its parallel channels (`Sender[0]`); undefined where it is missing. */
export function portCounter(
  jobs: MetricsSnapshot['jobs'],
  where: { operator: string; side: 'input' | 'output'; port: number; metric: string },
): number | undefined {
  const values = jobs
    .flatMap(({ pes }) => pes.flatMap((pe) => pe.operators))
    .filter(({ name }) => name.replace(/\[\d+\]$/, '') === where.operator)
    .flatMap((operator) => (where.side === 'input' ? operator.inputPorts : operator.outputPorts))
    .filter(({ index }) => index === where.port)
    .flatMap(({ metrics }) => metrics.filter(({ name }) => name === where.metric))
  return values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + Number(value), 0)
}
