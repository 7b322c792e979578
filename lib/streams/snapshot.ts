import { z } from 'zod'
import { readJson, type Answer } from './answer.ts'
import type { Dialect } from './dialect.ts'
import { jobSchema, metricSchema, peSchema } from './elements.ts'
import type { MetricsSnapshot } from './management.ts'

/**
 * A snapshot of all metrics of an instance or job, in the layout of the vendor's JMX download plus the state of each PE where the
 * server adds it. Members that are missing are empty lists; unknown ones are left out.
 * @throws MalformedAnswerError
 */
export function parseSnapshot(answer: Answer, names: Dialect['snapshot'], asked: number): MetricsSnapshot {
  const snapshot = readJson(answer, snapshotSchema(names))
  let newest = snapshot.retrieved
  if (newest === undefined) {
    for (const job of snapshot.jobs) {
      for (const pe of job.pes) {
        for (const { lastTimeRetrieved: at } of [...pe.metrics, ...pe.operators.flatMap(metricsBelow)]) {
          if (typeof at === 'number' && (newest === undefined || at > newest)) newest = at
        }
      }
    }
  }
  return { asked, answered: answer.answered, lastTimeRetrieved: newest, source: 'snapshot', jobs: snapshot.jobs }
}

type OperatorOf = MetricsSnapshot['jobs'][number]['pes'][number]['operators'][number]

function metricsBelow(operator: OperatorOf) {
  return [...operator.metrics, ...[...operator.inputPorts, ...operator.outputPorts].flatMap((port) => port.metrics)]
}

const schemas = new WeakMap<Dialect['snapshot'], ReturnType<typeof buildSchema>>()

function snapshotSchema(names: Dialect['snapshot']): ReturnType<typeof buildSchema> {
  const known = schemas.get(names) ?? buildSchema(names)
  schemas.set(names, known)
  return known
}

/** The schema is made from the names of the dialect, and gives the members their own names. */
function buildSchema(names: Dialect['snapshot']) {
  const renamed = <S extends z.ZodType>(schema: S, members: Readonly<Record<string, string>>) =>
    z.preprocess((value) => {
      if (typeof value !== 'object' || value === null) return value
      const source = value as Record<string, unknown>
      const result = { ...source }
      for (const [own, theirs] of Object.entries(members))
        if (source[theirs] !== undefined) result[own] = source[theirs]
      return result
    }, schema)
  const metrics = z.array(metricSchema).default([])
  const ports = z
    .array(renamed(z.object({ index: z.number(), metrics }), { index: names.portIndex, metrics: names.metrics }))
    .default([])
  const { metrics: metricsName, inputPorts, outputPorts } = names
  const operators = z
    .array(
      renamed(z.object({ name: z.string(), metrics, inputPorts: ports, outputPorts: ports }), {
        metrics: metricsName,
        inputPorts,
        outputPorts,
      }),
    )
    .default([])
  const present = (value: number | null | undefined): number | undefined => value ?? undefined
  const pes = z
    .array(
      renamed(
        z.object({
          id: peSchema.shape.id,
          launchCount: peSchema.shape.launchCount.transform(present),
          status: peSchema.shape.status.optional(),
          statusReason: peSchema.shape.statusReason.optional(),
          health: peSchema.shape.health.optional(),
          processId: peSchema.shape.processId.transform((value) => value ?? undefined),
          metrics,
          operators,
        }),
        { metrics: metricsName, operators: names.operators },
      ),
    )
    .default([])
  const jobs = z.array(
    renamed(z.object({ id: jobSchema.shape.id, name: z.string().optional(), pes }), { pes: names.pes }),
  )
  return renamed(z.object({ jobs, retrieved: z.number().nullish().transform(present) }), {
    jobs: names.jobs,
    retrieved: names.retrieved,
  })
}
