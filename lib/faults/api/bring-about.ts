import { eventually, type Duration } from '../../core/index.ts'
import type { Job, ManagementClient } from '../../streams/index.ts'
import type { UndoOrder } from './undo-order.ts'

/** Does what is missing of an order, and tells what it did. */
export async function bringAbout(client: ManagementClient, order: UndoOrder): Promise<string[]> {
  const done: string[] = []
  const within: Duration = `${order.withinMs}ms`
  const { name } = order.job

  if (order.startInstance) {
    const instance = await client.instance()
    if (instance.status !== 'running') {
      await client.startInstance({ within })
      done.push(`started the instance ${order.instance}`)
    }
  }

  let job = await liveJob(client, name, within)
  if (!job && order.submit) {
    const { bundle, parameters } = order.job
    job = await client.submit({ bundle, name, parameters, within, ifExists: 'reuse' })
    done.push(`submitted the job ${name} (${job.id})`)
  }
  if (!job) throw new Error(`there is no job ${name}`)

  if (order.restartQuiesced) {
    const pe = await quiescedPe(client, job, order.restartQuiesced)
    if (pe !== undefined) {
      await client.restartPe(pe, { within })
      done.push(`restarted PE ${pe}, which had been told to shut down`)
    }
  }
  for (const pe of await client.pes({ job })) {
    if (pe.status !== 'stopped') continue
    await client.startPe(pe, { within })
    done.push(`started PE ${pe.id}`)
  }
  await client.waitHealthy(job, { within })
  return done.length > 0 ? done : ['nothing was left to undo']
}

/** The job of that name, once it is neither being cancelled nor gone wrong. */
async function liveJob(client: ManagementClient, name: string, within: Duration): Promise<Job | undefined> {
  const found = await eventually(
    async (signal) => {
      const job = await client.findJob(name, { signal })
      return job?.status === 'canceling' ? { done: false, seen: 'it is being cancelled' } : { done: true, value: job }
    },
    { within, every: '50ms', describe: `the job ${name} to be there or gone` },
  )
  const job = found.value
  return job && (job.status === 'canceled' || job.status === 'failed') ? undefined : job
}

/** The PE of a toolkit that has taken a shutdown message since its start. */
async function quiescedPe(
  client: ManagementClient,
  job: Job,
  where: { readonly operator: string; readonly port: number },
): Promise<string | undefined> {
  const { jobs } = await client.metricsSnapshot({ job })
  for (const pe of jobs.flatMap(({ pes }) => pes)) {
    const port = pe.operators
      .find(({ name }) => name === where.operator)
      ?.inputPorts.find(({ index }) => index === where.port)
    const taken = port?.metrics.find(({ name }) => name === 'nTuplesProcessed')?.value
    if (taken !== undefined && taken > 0) return pe.id
  }
  return undefined
}
