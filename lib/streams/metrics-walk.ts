import { now } from '../core/index.ts'
import { mapLimited } from './concurrency.ts'
import type { CallOptions } from './connection.ts'
import type { Metric, Operator, Pe } from './elements.ts'
import { metricSchema } from './elements.ts'
import { JOBS, jobsLink, readJob } from './jobs.ts'
import type { MetricsSnapshot, PortMetrics, Ref } from './management.ts'
import type { Navigator } from './navigation.ts'
import { INPUT_PORTS, OPERATORS, OUTPUT_PORTS } from './operators.ts'
import { elements, type Collection } from './pagination.ts'
import { PES } from './pes.ts'
import type { z } from 'zod'

const AT_ONCE = 8
const METRICS = { key: 'metrics', schema: metricSchema }

/** Reads all metrics element by element, for servers without a snapshot. Slow, and not one instant: `asked` and `answered` tell. */
export async function walkMetrics(
  navigator: Navigator,
  ref: Ref | undefined,
  options: CallOptions,
): Promise<MetricsSnapshot> {
  const { transport } = navigator
  const asked = now()
  let newest: number | undefined

  const all = async <S extends z.ZodType>(
    link: string | null | undefined,
    collection: Collection<S>,
  ): Promise<z.output<S>[]> => {
    const found: z.output<S>[] = []
    if (typeof link === 'string')
      for await (const one of elements(transport, link, collection, options)) found.push(one)
    return found
  }
  const metricsOf = async (link: string | null | undefined): Promise<Metric[]> => {
    const metrics = await all(link, METRICS)
    for (const { lastTimeRetrieved: at } of metrics) {
      if (typeof at === 'number' && (newest === undefined || at > newest)) newest = at
    }
    return metrics
  }
  const portsOf = async (link: string | null | undefined, collection: typeof INPUT_PORTS): Promise<PortMetrics[]> => {
    const ports = await all(link, collection)
    return mapLimited(ports, AT_ONCE, async (port, position) => ({
      index: port.indexWithinOperator ?? position,
      metrics: await metricsOf(port.metrics),
    }))
  }
  const operatorOf = async (operator: Operator) => ({
    name: operator.name,
    pe: operator.pe,
    metrics: await metricsOf(operator.metrics),
    inputPorts: await portsOf(operator.inputPorts, INPUT_PORTS),
    outputPorts: await portsOf(operator.outputPorts, OUTPUT_PORTS),
  })
  const peOf = async (pe: Pe) => ({
    id: pe.id,
    self: pe.self,
    launchCount: pe.launchCount ?? undefined,
    status: pe.status,
    statusReason: pe.statusReason,
    health: pe.health,
    processId: pe.processId ?? undefined,
    metrics: await metricsOf(pe.metrics),
  })

  const jobs =
    ref === undefined ? await all(await jobsLink(navigator, options), JOBS) : [await readJob(navigator, ref, options)]
  const walked = await mapLimited(jobs, 2, async (job) => {
    const pes = await mapLimited(await all(job.pes, PES), AT_ONCE, peOf)
    const operators = await mapLimited(await all(job.operators, OPERATORS), AT_ONCE, operatorOf)
    return {
      id: job.id,
      name: job.name,
      pes: pes.map(({ self, ...pe }) => ({
        ...pe,
        operators: operators
          .filter((operator) => sameElement(operator.pe, self))
          .map(({ pe: _, ...operator }) => operator),
      })),
    }
  })
  return { asked, answered: now(), lastTimeRetrieved: newest, source: 'walk', jobs: walked }
}

/** Links to one element may differ in host and port. */
function sameElement(a: string | null | undefined, b: string): boolean {
  if (typeof a !== 'string') return false
  return a === b || (URL.canParse(a) && URL.canParse(b) && new URL(a).pathname === new URL(b).pathname)
}
