import { readFileSync } from 'node:fs'
import type { OperatorMetrics, PeMetric } from '../protocol.ts'
import type { Job } from '../site/job.ts'
import type { Pe } from '../site/pe.ts'
import type { Site } from '../site/site.ts'
import type { Element, Listing } from './collection.ts'
import type { Urls } from './context.ts'

const REFRESH_PROCESS_MS = 1000
const PAGE_KB = 4
const TICK_MS = 10

/** A metric as a metrics collection shows it. */
export function metricElement(metric: PeMetric, at: number): Element {
  return {
    name: metric.name,
    description: '',
    metricKind: metric.kind,
    metricType: metric.type,
    resourceType: 'metric',
    lastTimeRetrieved: at,
    value: metric.value,
  }
}

/** A metrics collection, sorted by name. */
export function metricListing(metrics: readonly PeMetric[], at: number, owner: string): Listing {
  const members = metrics.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((m) => ({ element: metricElement(m, at) }))
  return { key: 'metrics', resourceType: 'metric', members, more: { owner } }
}

/** The metrics of one operator as last collected, or none. */
export function operatorSample(
  site: Site,
  pe: Pe,
  name: string,
): { operator: OperatorMetrics | undefined; at: number } {
  const sample = site.collector.sample(pe.stored.id)
  return { operator: sample?.operators.find((operator) => operator.name === name), at: sample?.at ?? 0 }
}

const processCache = new Map<number, { readonly readAt: number; readonly metrics: PeMetric[] }>()

/** Metrics of the process of a PE. Zero where the system does not tell (only Linux does, by /proc). */
export function processMetrics(pe: Pe): readonly PeMetric[] {
  const { pid } = pe
  if (pid === undefined) return []
  const known = processCache.get(pid)
  const time = Date.now()
  if (known && time - known.readAt < REFRESH_PROCESS_MS) return known.metrics
  let cpuMs = 0
  let virtualKb = 0
  let residentKb = 0
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    cpuMs = (Number(fields[11]) + Number(fields[12])) * TICK_MS
    virtualKb = Math.round(Number(fields[20]) / 1024)
    residentKb = Number(fields[21]) * PAGE_KB
  } catch {
    // Not Linux, or the process has just ended.
  }
  const gauge = (name: string, value: number): PeMetric => ({ name, kind: 'gauge', type: 'system', value })
  const metrics = [
    gauge('nCpuMilliseconds', cpuMs),
    gauge('nMemoryConsumption', virtualKb),
    gauge('nResidentMemoryConsumption', residentKb),
  ]
  processCache.set(pid, { readAt: time, metrics })
  return metrics
}

/** All metrics of jobs in one document (streams-metrics.md §4.5), with the state of each PE beside. */
export function metricsSnapshot(site: Site, jobs: readonly Job[], pes: (pe: Pe) => boolean, urls: Urls): unknown {
  return {
    lastTimeRetrieved: site.collector.lastTimeRetrieved,
    jobs: jobs.map((job) => ({
      id: job.stored.id,
      name: job.stored.name,
      status: urls.word(job.status),
      health: urls.word(job.health),
      pes: job.pes.filter(pes).map((pe) => peSnapshot(site, job, pe, urls)),
    })),
  }
}

function peSnapshot(site: Site, job: Job, pe: Pe, urls: Urls): unknown {
  const sample = site.collector.sample(pe.stored.id)
  const at = sample?.at ?? 0
  const metrics = (list: readonly PeMetric[]): unknown[] =>
    list.map(({ name, kind, type, value }) => ({
      name,
      value,
      metricKind: kind,
      metricType: type,
      lastTimeRetrieved: at,
    }))
  const kinds = new Map(job.operators.map((operator) => [operator.name, operator.kind]))
  return {
    id: pe.stored.id,
    status: urls.word(pe.status),
    statusReason: urls.word(pe.reason),
    health: urls.word(pe.health),
    launchCount: pe.stored.launchCount,
    processId: pe.pid === undefined ? '' : String(pe.pid),
    resource: pe.stored.host,
    lastTimeRetrieved: at,
    metrics: metrics(processMetrics(pe)),
    inputPorts: [],
    outputPorts: [],
    operators: (sample?.operators ?? []).map((operator) => ({
      name: operator.name,
      operatorKind: kinds.get(operator.name) ?? '',
      metrics: metrics(operator.metrics),
      inputPorts: operator.inputPorts.map((p) => ({ indexWithinOperator: p.index, metrics: metrics(p.metrics) })),
      outputPorts: operator.outputPorts.map((p) => ({ indexWithinOperator: p.index, metrics: metrics(p.metrics) })),
    })),
  }
}

/** The tree of jobs without metrics. */
export function jobsSnapshot(site: Site, jobs: readonly Job[], pes: (pe: Pe) => boolean, urls: Urls): unknown {
  return {
    jobs: jobs.map((job) => ({
      instance: site.identity.instance,
      id: job.stored.id,
      name: job.stored.name,
      status: urls.word(job.status),
      health: urls.word(job.health),
      submitTime: job.stored.submitTime,
      applicationName: job.bundle.application,
      pes: job.pes.filter(pes).map((pe) => ({
        id: pe.stored.id,
        resource: pe.stored.host,
        status: urls.word(pe.status),
        statusReason: urls.word(pe.reason),
        health: urls.word(pe.health),
        launchCount: pe.stored.launchCount,
        operators: job.operators
          .filter((operator) => operator.pe === pe)
          .map((operator) => ({
            name: operator.name,
            operatorKind: operator.kind,
            inputPorts: operator.inputPorts.map((name, indexWithinOperator) => ({ indexWithinOperator, name })),
            outputPorts: operator.outputPorts.map((name, indexWithinOperator) => ({ indexWithinOperator, name })),
          })),
      })),
    })),
  }
}
