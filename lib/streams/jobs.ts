import { z } from 'zod'
import { readJson } from './answer.ts'
import type { CallOptions } from './connection.ts'
import { jobSchema, type Job } from './elements.ts'
import { JobLostError, NotFoundError } from './errors.ts'
import type { ManagementClient, Ref } from './management.ts'
import { callOf, type Navigator } from './navigation.ts'
import { until } from './wait.ts'

/** The collection of jobs. */
export const JOBS = { key: 'jobs', schema: jobSchema }

type JobCalls = Pick<ManagementClient, 'jobs' | 'job' | 'findJob' | 'waitHealthy' | 'patchJob' | 'cancelJob'>

/** The link to the jobs of the instance. */
export async function jobsLink(navigator: Navigator, options: CallOptions): Promise<string> {
  return navigator.link(await navigator.instance(undefined, options), 'jobs')
}

/** A job by element or id. */
export function readJob(navigator: Navigator, job: Ref, options: CallOptions = {}): Promise<Job> {
  return navigator.element(job, JOBS, 'job', () => jobsLink(navigator, options), options)
}

/** Job calls. */
export function jobCalls(navigator: Navigator): JobCalls {
  const { transport } = navigator
  const { submit } = transport.dialect
  const jobs: JobCalls['jobs'] = ({ name, ...options } = {}) =>
    navigator.list(JOBS, () => jobsLink(navigator, callOf(options)), {
      ...options,
      ...(name === undefined ? {} : { where: { ...options.where, name } }),
    })

  return {
    jobs,
    job: (job, options) => readJob(navigator, job, options),

    async findJob(name, options = {}) {
      const found = await jobs({ ...options, name })
      const named = found.filter((job) => job.name === name)
      // A cancelled job may linger in the list beside its successor.
      return named.find((job) => job.status !== 'canceled' && job.status !== 'failed') ?? named[0]
    },

    async waitHealthy(ref, options) {
      const { signal, within, every, onAttempt } = options
      const id = typeof ref === 'string' ? ref : ref.id
      let known = ref
      return until(
        async (inner) => {
          const current = await readJob(navigator, known, { signal: inner, attempts: 1 })
          known = current
          if (current.status === 'failed' || current.status === 'canceled') {
            throw new JobLostError(
              `job ${current.name} (${current.id}) is ${current.status} and will not become healthy.`,
              {
                dc: transport.dc,
                method: 'GET',
                url: current.self,
                remedy: 'Read its logs (`jobLogs`) or the product log of the instance.',
              },
            )
          }
          return current
        },
        {
          within,
          every,
          signal,
          onAttempt,
          describe: `job ${id} of ${transport.dc} to be healthy`,
          done: (current) => current.status === 'running' && current.health === 'healthy',
          seen: (current) => `job ${current.id} is ${current.status}, ${current.health}`,
        },
      )
    },

    async patchJob(ref, overlay, options = {}) {
      const self = typeof ref === 'string' ? (await readJob(navigator, ref, options)).self : ref.self
      const document = submit.overlays in overlay ? overlay : { [submit.overlays]: [overlay] }
      const answer = await transport.send({
        ...options,
        method: 'PATCH',
        url: self,
        json: { [submit.overlay]: document },
      })
      return answer.body.length === 0 ? {} : readJson(answer, z.looseObject({}))
    },

    async cancelJob(ref, options = {}) {
      try {
        const self = typeof ref === 'string' ? (await readJob(navigator, ref, options)).self : ref.self
        // Only the last try's answer tells; if an earlier one got through, this one finds the job gone.
        await transport.send({ ...options, method: 'DELETE', url: self })
        return 'cancelled'
      } catch (error) {
        if (error instanceof NotFoundError) return 'gone'
        throw error
      }
    },
  }
}
