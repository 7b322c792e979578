import { eventually, type Duration } from '../../core/index.ts'
import type { Instance, Job, ManagementClient } from '../../streams/index.ts'
import type { UndoOrder } from './undo-order.ts'

/** Does what is missing of an order, and tells what it did. */
export async function bringAbout(client: ManagementClient, order: UndoOrder): Promise<string[]> {
  const done: string[] = []
  const within: Duration = `${order.withinMs}ms`
  const { name } = order.job

  if (order.startInstance && !hasStarted(await settledInstance(client, within))) {
    await client.startInstance({ within })
    done.push(`started the instance ${order.instance}`)
  }
  for (const id of order.resumeHosts ?? []) {
    const host = (await client.hosts()).find((found) => found.id === id)
    if (host?.status !== 'quiesced' && host?.status !== 'quiescing') continue
    await client.resumeHost(host, { within })
    done.push(`resumed the host ${id}`)
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
  for (const id of await stoppedPes(client, job, within)) {
    await client.startPe(id, { within })
    done.push(`started PE ${id}`)
  }
  await client.waitHealthy(job, { within })
  return done.length > 0 ? done : ['nothing was left to undo']
}

/** The instance, once it is neither on its way up nor down: what the fault asked for may still be going on. */
async function settledInstance(client: ManagementClient, within: Duration): Promise<Instance> {
  const settled = await eventually(
    async (signal) => {
      const instance = await client.instance(undefined, { signal })
      return instance.status === 'stopping' || instance.status === 'starting'
        ? { done: false, seen: `it is ${instance.status}` }
        : { done: true, value: instance }
    },
    { within, every: '50ms', describe: 'the instance to be started or stopped' },
  )
  return settled.value
}

function hasStarted({ status }: Instance): boolean {
  // With a host that is quiesced or has failed it runs all the same.
  return status === 'running' || status === 'partiallyRunning' || status === 'partiallyFailed'
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

/** The PEs of a job that are stopped, once none is on its way there. */
async function stoppedPes(client: ManagementClient, job: Job, within: Duration): Promise<readonly string[]> {
  const found = await eventually(
    async (signal) => {
      const pes = await client.pes({ job, signal })
      const stopping = pes.filter(({ status }) => status === 'stopping').map(({ id }) => id)
      return stopping.length > 0
        ? { done: false, seen: `PE ${stopping.join(', ')} is stopping` }
        : { done: true, value: pes.filter(({ status }) => status === 'stopped').map(({ id }) => id) }
    },
    { within, every: '50ms', describe: `the PEs of the job ${job.name} to be running or stopped` },
  )
  return found.value
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
