import { existsSync, readFileSync } from 'node:fs'
import type { Answer, RequestContext } from './context.ts'
import { byName, find, jobElements, jobsOf, list, metricsAnswer, one, operatorOf, peOf, settled } from './lookup.ts'
import { logArchive } from './log-archive.ts'
import { operatorSample, processMetrics } from './metrics.ts'
import { empty, get, type Route } from './router.ts'

const TEXT = 'text/plain; charset=utf-8'

/** Reads of jobs, PEs, operators and connections. */
export const jobReads: readonly Route[] = [
  get('instances/:instance/jobs', (c) => {
    const members = jobsOf(c).map((job) => jobElements(c).job(job))
    return list(c, 'jobs', 'job', members)
  }),
  get('instances/:instance/jobs/:job', (c) => one(c, jobElements(c).job(c.site.job(c.params['job'] ?? '')).element)),
  get('instances/:instance/jobs/:job/pes', pes),
  get('instances/:instance/pes', pes),
  get('instances/:instance/pes/:pe', (c) => one(c, jobElements(c).pe(peOf(c), isVerbose(c)).element)),
  get('instances/:instance/pes/:pe/operators', (c) => {
    const pe = peOf(c)
    const job = c.site.jobOf(pe)
    const own = job.operators.filter((operator) => operator.pe === pe)
    return list(c, 'operators', 'operator', byName(own.map((operator) => jobElements(c).operator(job, operator))))
  }),
  get('instances/:instance/pes/:pe/metrics', (c) => metricsAnswer(c, processMetrics(peOf(c)), Date.now())),
  get('instances/:instance/pes/:pe/connections', (c) => {
    const pe = peOf(c)
    const { id } = pe.stored
    const all = jobElements(c).peConnections(c.site.jobOf(pe))
    const own = all.filter(({ relations }) => relations?.['pe.restid'] === id || relations?.['target'] === id)
    return list(c, 'connections', 'peConnection', own)
  }),
  get('instances/:instance/pes/:pe/applicationtrace', (c) => log(c, 'trace')),
  get('instances/:instance/pes/:pe/consolelog', (c) => log(c, 'console')),
  get('instances/:instance/pes/:pe/productlog', () => ({ status: 200, body: '', type: TEXT })),
  get('instances/:instance/operators', operators),
  get('instances/:instance/jobs/:job/operators', operators),
  get('instances/:instance/jobs/:job/operators/:operator', (c) => {
    const { job, operator } = operatorOf(c)
    return one(c, jobElements(c).operator(job, operator).element)
  }),
  get('instances/:instance/jobs/:job/operators/:operator/metrics', async (c) => {
    await settled(c)
    const { operator } = operatorOf(c)
    const sample = operatorSample(c.site, operator.pe, operator.name)
    return metricsAnswer(c, sample.operator?.metrics ?? [], sample.at)
  }),
  get('instances/:instance/jobs/:job/operators/:operator/connections', (c) => {
    const { job, operator } = operatorOf(c)
    const self = JSON.stringify(jobElements(c).operator(job, operator).element['self'])
    const all = jobElements(c).operatorConnections(job)
    const own = all.filter(({ element }) => JSON.stringify(element).includes(self))
    return list(c, 'connections', 'operatorConnection', own)
  }),
  get('instances/:instance/operatorconnections', operatorConnections),
  get('instances/:instance/jobs/:job/operatorconnections', operatorConnections),
  get('instances/:instance/operatorconnections/:connection', (c) => {
    const all = jobsOf(c).flatMap((job) => jobElements(c).operatorConnections(job))
    return one(c, find(all, 'operatorConnection', c.params['connection'] ?? ''))
  }),
  get('instances/:instance/peconnections', peConnections),
  get('instances/:instance/jobs/:job/peconnections', peConnections),
  get('instances/:instance/peconnections/:connection', (c) => {
    const all = jobsOf(c).flatMap((job) => jobElements(c).peConnections(job))
    return one(c, find(all, 'peConnection', c.params['connection'] ?? ''))
  }),
  get('instances/:instance/peconnections/:connection/metrics', (c) => {
    return metricsAnswer(c, [{ name: 'congestionFactor', kind: 'gauge', type: 'system', value: 0 }], Date.now())
  }),
  get('instances/:instance/jobs/:job/views', empty('views', 'view')),
  get('instances/:instance/jobs/:job/activeviews', empty('views', 'activeView')),
  get('instances/:instance/jobs/:job/productlog', () => ({ status: 200, body: '', type: TEXT })),
  get('instances/:instance/jobs/:job/applicationlogtrace', (c) => {
    const job = c.site.job(c.params['job'] ?? '')
    return { status: 200, body: logArchive(c.site.disk, job), type: 'application/x-compressed' }
  }),
]

function isVerbose(c: RequestContext): boolean {
  return c.self.searchParams.get('verbose') === 'true'
}

function pes(c: RequestContext): Answer {
  const all = jobsOf(c).flatMap((job) => [...job.pes])
  const inOrder = all.toSorted((a, b) => Number(a.stored.id) - Number(b.stored.id))
  const verbose = isVerbose(c)
  const members = inOrder.map((pe) => jobElements(c).pe(pe, verbose))
  return list(c, 'pes', 'pe', members)
}

function operators(c: RequestContext): Answer {
  const elements = jobElements(c)
  const members = jobsOf(c).flatMap((job) => job.operators.map((operator) => elements.operator(job, operator)))
  return list(c, 'operators', 'operator', byName(members))
}

function operatorConnections(c: RequestContext): Answer {
  const members = jobsOf(c).flatMap((job) => jobElements(c).operatorConnections(job))
  return list(c, 'connections', 'operatorConnection', members)
}

function peConnections(c: RequestContext): Answer {
  const members = jobsOf(c).flatMap((job) => jobElements(c).peConnections(job))
  return list(c, 'connections', 'peConnection', members)
}

function log(c: RequestContext, kind: 'console' | 'trace'): Answer {
  const file = c.site.disk.log(peOf(c).stored.id, kind)
  return { status: 200, body: existsSync(file) ? readFileSync(file) : '', type: TEXT }
}
