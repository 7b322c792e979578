import { z } from 'zod'
import { HEALTH, id, link, text, time, identified } from './element-parts.ts'
import { state } from './enums.ts'

const CONNECTIONS = ['connected', 'disconnected', 'partiallyConnected', 'unknown'] as const

/** A job. */
export const jobSchema = z.looseObject({
  ...identified,
  name: z.string().default(''),
  status: state(['constructed', 'running', 'canceling', 'canceled', 'failed', 'unknown']),
  health: state(HEALTH),
  applicationName: text,
  jobGroup: text,
  startedBy: text,
  submitTime: time,
  submitParameters: z.array(z.looseObject({ name: z.string() })).nullish(),
  instance: link,
  operators: link,
  operatorConnections: link,
  pes: link,
  peConnections: link,
  views: link,
  resourceAllocations: link,
  applicationLogTrace: link,
  productLog: link,
  snapshot: link,
  metricsSnapshot: link,
})
/** See {@link jobSchema}. */
export type Job = z.output<typeof jobSchema>

/** A processing element. `launchCount` rises with every start, manual or automatic. */
export const peSchema = z.looseObject({
  ...identified,
  status: state(['constructed', 'restarting', 'running', 'starting', 'submitted', 'stopped', 'stopping', 'unknown']),
  statusReason: state([
    'none',
    'automatic',
    'crash',
    'failure',
    'hostFailure',
    'setCapabilitiesFailure',
    'userRequest',
    'voluntary',
    'noViableResource',
    'unknown',
  ]),
  health: state(HEALTH),
  indexWithinJob: z.number().nullish(),
  launchCount: z.number().nullish(),
  processId: id.nullish(),
  requiredConnections: state(CONNECTIONS),
  optionalConnections: state(CONNECTIONS),
  relocatable: z.boolean().nullish(),
  restartable: z.boolean().nullish(),
  job: link,
  instance: link,
  host: link,
  resource: link,
  resourceAllocation: link,
  operators: link,
  inputPorts: link,
  outputPorts: link,
  connections: link,
  metrics: link,
  applicationTrace: link,
  consoleLog: link,
  productLog: link,
  metricsSnapshot: link,
})
/** See {@link peSchema}. */
export type Pe = z.output<typeof peSchema>

/** An operator. */
export const operatorSchema = z.looseObject({
  name: z.string(),
  self: z.string(),
  restid: id.optional(),
  resourceType: z.string().optional(),
  operatorKind: text,
  logicalName: text,
  channel: z.number().nullish(),
  indexWithinJob: z.number().nullish(),
  pe: link,
  job: link,
  inputPorts: link,
  outputPorts: link,
  connections: link,
  metrics: link,
  applicationTrace: link,
  productLog: link,
})
/** See {@link operatorSchema}. */
export type Operator = z.output<typeof operatorSchema>

/** An input or output port of an operator, or of a PE (`indexWithinPE`). */
export const portSchema = z.looseObject({
  self: z.string(),
  restid: id.optional(),
  resourceType: z.string().optional(),
  name: text,
  indexWithinOperator: z.number().nullish(),
  indexWithinPE: z.number().nullish(),
  streamName: text,
  tupleAttributes: z.array(z.looseObject({ name: z.string(), type: text, splType: text })).nullish(),
  connections: link,
  metrics: link,
  operator: link,
  pe: link,
  job: link,
})
/** See {@link portSchema}. */
export type Port = z.output<typeof portSchema>

/** A connection between PEs. */
export const peConnectionSchema = z.looseObject({
  ...identified,
  status: state(['initial', 'connecting', 'connected', 'disconnected', 'closed', 'unknown']),
  required: z.boolean().nullish(),
  metrics: link,
})
/** See {@link peConnectionSchema}. */
export type PeConnection = z.output<typeof peConnectionSchema>

/** A connection between operators. */
export const operatorConnectionSchema = z.looseObject({ ...identified, required: z.boolean().nullish() })
/** See {@link operatorConnectionSchema}. */
export type OperatorConnection = z.output<typeof operatorConnectionSchema>

/** An exported or imported stream. */
export const streamSchema = z.looseObject({
  self: z.string().optional(),
  restid: id.optional(),
  name: text,
  job: link,
  operator: link,
})
/** See {@link streamSchema}. */
export type StreamLink = z.output<typeof streamSchema>
