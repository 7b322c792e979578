import { now } from '../core/index.ts'
import type { CallOptions } from './connection.ts'
import { metricSchema } from './elements.ts'
import { NotFoundError, RejectedError, ServerError } from './errors.ts'
import { readJob } from './jobs.ts'
import type { ManagementClient, MetricsSnapshot, Ref } from './management.ts'
import { walkMetrics } from './metrics-walk.ts'
import type { Navigator } from './navigation.ts'
import { parseSnapshot } from './snapshot.ts'

/** The collection of metrics of an element. */
export const METRICS = { key: 'metrics', schema: metricSchema }

/** Metric calls. */
export function metricCalls(navigator: Navigator): Pick<ManagementClient, 'metrics' | 'metricsSnapshot'> {
  const { transport } = navigator
  const { links } = transport.dialect

  const snapshotLink = async (job: Ref | undefined, options: CallOptions): Promise<string | undefined> => {
    const element: Record<string, unknown> =
      job === undefined ? await navigator.instance(undefined, options) : await readJob(navigator, job, options)
    const link = element[job === undefined ? links.jobsMetricsSnapshot : links.jobMetricsSnapshot]
    return typeof link === 'string' && link !== '' ? link : undefined
  }
  // A job's link does not change, and monitors ask many times a second.
  const known = new Map<string, string>()

  return {
    metrics: (of, { name, ...options } = {}) =>
      navigator.list(METRICS, () => Promise.resolve(typeof of === 'string' ? of : navigator.link(of, 'metrics')), {
        ...options,
        ...(name === undefined ? {} : { where: { ...options.where, name } }),
      }),

    async metricsSnapshot({ job, ...options } = {}): Promise<MetricsSnapshot> {
      const key = job === undefined ? '' : typeof job === 'string' ? job : job.self
      const link = known.get(key) ?? (await snapshotLink(job, options))
      if (link !== undefined) {
        known.set(key, link)
        const asked = now()
        try {
          const answer = await transport.send({ ...options, url: link })
          return parseSnapshot(answer, transport.dialect.snapshot, asked)
        } catch (error) {
          known.delete(key)
          if (!isUnsupported(error)) throw error
        }
      }
      transport.notice('there is no snapshot of metrics; reading them element by element, which takes longer.')
      return walkMetrics(navigator, job, options)
    },
  }
}

function isUnsupported(error: unknown): boolean {
  return (
    error instanceof NotFoundError ||
    (error instanceof RejectedError && (error.status === 405 || error.status === 406 || error.status === 410)) ||
    (error instanceof ServerError && error.status === 501)
  )
}
