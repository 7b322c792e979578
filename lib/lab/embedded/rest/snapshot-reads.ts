import type { Pe } from '../site/pe.ts'
import type { RequestContext } from './context.ts'
import { jobsOf, peOf, settled } from './lookup.ts'
import { jobsSnapshot, metricsSnapshot } from './metrics.ts'
import { get, type Route } from './router.ts'

/** Reads of a whole tree of jobs at once. */
export const snapshotReads: readonly Route[] = [
  get('instances/:instance/metricssnapshot', snapshot('metrics')),
  get('instances/:instance/jobs/:job/metricssnapshot', snapshot('metrics')),
  get('instances/:instance/pes/:pe/metricssnapshot', snapshot('metrics')),
  get('instances/:instance/snapshot', snapshot('jobs')),
  get('instances/:instance/jobs/:job/snapshot', snapshot('jobs')),
  get('instances/:instance/pes/:pe/snapshot', snapshot('jobs')),
]

function snapshot(what: 'metrics' | 'jobs'): Route[2] {
  const make = what === 'metrics' ? metricsSnapshot : jobsSnapshot
  let cached: { readonly key: string; readonly body: string } | undefined
  return async (c: RequestContext) => {
    await settled(c)
    // Monitors ask far more often than anything changes.
    const key = `${c.site.collector.rounds}/${c.site.version}/${c.self.href}`
    if (cached?.key !== key) {
      const only: Pe | undefined = c.params['pe'] === undefined ? undefined : peOf(c)
      const jobs = only ? [c.site.jobOf(only)] : jobsOf(c)
      cached = { key, body: JSON.stringify(make(c.site, jobs, (pe) => !only || pe === only, c.links)) }
    }
    return { status: 200, body: cached.body, type: 'application/json' }
  }
}
