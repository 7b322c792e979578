import type { PeMetric } from '../protocol.ts'
import type { Job, JobOperator } from '../site/job.ts'
import type { Pe } from '../site/pe.ts'
import { notFound } from '../site/refusal.ts'
import { page, select, type Element, type Member } from './collection.ts'
import { ok, type Answer, type RequestContext } from './context.ts'
import { ElementUris } from './element-uris.ts'
import { JobElements } from './job-elements.ts'
import { metricListing } from './metrics.ts'
import { SiteElements } from './site-elements.ts'

const byJobId = (a: Job, b: Job): number => Number(a.stored.id) - Number(b.stored.id)

/** The elements of jobs, for the client that asks. */
export function jobElements(c: RequestContext): JobElements {
  return new JobElements(new ElementUris(c.site, c.links))
}

/** The elements of the site itself, for the client that asks. */
export function siteElements(c: RequestContext): SiteElements {
  return new SiteElements(new ElementUris(c.site, c.links))
}

/** Answers with one element, or the fields of it that were asked for. */
export function one(c: RequestContext, element: Element): Answer {
  const fields = c.self.searchParams.get('fields')
  return ok(fields ? select(element, fields.split(',')) : element)
}

/** Answers with a collection. */
export function list(c: RequestContext, key: string, resourceType: string, members: readonly Member[]): Answer {
  return ok(page({ key, resourceType, members }, c.self))
}

/** Elements that can be filtered by their own properties only. */
export function plain(items: readonly Element[]): Member[] {
  return items.map((element) => ({ element }))
}

/** The job of the path, or all jobs. */
export function jobsOf(c: RequestContext): Job[] {
  const { job } = c.params
  return job === undefined ? [...c.site.jobs.values()].sort(byJobId) : [c.site.job(job)]
}

/** The PE of the path. */
export function peOf(c: RequestContext): Pe {
  return c.site.pe(c.params['pe'] ?? '')
}

/** The operator of the path. */
export function operatorOf(c: RequestContext): { job: Job; operator: JobOperator } {
  const job = c.site.job(c.params['job'] ?? '')
  const name = c.params['operator'] ?? ''
  const operator = job.operator(name)
  if (!operator) throw notFound('operator', name)
  return { job, operator }
}

/** The operator port of the path. */
export function portOf(
  c: RequestContext,
  direction: 'input' | 'output',
): { job: Job; operator: JobOperator; index: number } {
  const { job, operator } = operatorOf(c)
  const index = Number(c.params['port'])
  const names = direction === 'input' ? operator.inputPorts : operator.outputPorts
  if (!(index in names))
    throw notFound(`operator${direction === 'input' ? 'Input' : 'Output'}Port`, c.params['port'] ?? '')
  return { job, operator, index }
}

/** The host of the path. */
export function hostOf(c: RequestContext): string {
  const host = c.params['host'] ?? ''
  if (!c.site.hosts.includes(host)) throw notFound('resource', host)
  return host
}

/** The element with this restid among others. */
export function find(listing: readonly Member[], resourceType: string, restid: string): Element {
  const found = listing.find((member) => member.element['restid'] === restid)
  if (!found) throw notFound(resourceType, restid)
  return found.element
}

/** Answers with a collection of metrics. */
export function metricsAnswer(c: RequestContext, metrics: readonly PeMetric[], at: number): Answer {
  return ok(page(metricListing(metrics, at, c.self.href.replace(/\/metrics(\?.*)?$/, '')), c.self))
}

/** Elements in the order of their names. */
export function byName(members: readonly Member[]): Member[] {
  return members.toSorted((a, b) => (String(a.element['name']) < String(b.element['name']) ? -1 : 1))
}

/** Waits until no collection is under way, so that an old value is never shown after a newer one was sampled. */
export async function settled(c: RequestContext): Promise<void> {
  await c.site.collector.settled()
}
