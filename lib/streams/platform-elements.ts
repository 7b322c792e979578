import { z } from 'zod'
import { HEALTH, id, link, text, time, identified } from './element-parts.ts'
import { state } from './enums.ts'

const SERVICE = [
  'stopped',
  'stopping',
  'starting',
  'running',
  'failed',
  'partiallyFailed',
  'partiallyRunning',
  'degraded',
  'updating',
  'waiting',
  'unknown',
] as const
const HOST = [
  'failed',
  'partiallyFailed',
  'partiallyRunning',
  'quiesced',
  'quiescing',
  'restarting',
  'resuming',
  'running',
  'starting',
  'stopped',
  'unknown',
] as const

/** The directory at `{base}/resources`. */
export const rootSchema = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string(), resource: z.string() })),
})
/** See {@link rootSchema}. */
export type Root = z.output<typeof rootSchema>

/** A domain. */
export const domainSchema = z.looseObject({
  ...identified,
  status: state(['running', 'starting', 'stopping', 'stopped', 'removing', 'unknown']),
  instances: link,
  hosts: link,
  resources: link,
  activeServices: link,
  resourceAllocations: link,
  productLog: link,
})
/** See {@link domainSchema}. */
export type Domain = z.output<typeof domainSchema>

/** An instance. */
export const instanceSchema = z.looseObject({
  ...identified,
  status: state([
    'failed',
    'partiallyFailed',
    'partiallyRunning',
    'running',
    'starting',
    'stopped',
    'stopping',
    'initializationFailed',
    'unknown',
  ]),
  health: state(HEALTH),
  owner: text,
  startTime: time,
  domain: link,
  jobs: link,
  pes: link,
  peConnections: link,
  operators: link,
  operatorConnections: link,
  resourceAllocations: link,
  hosts: link,
  activeServices: link,
  views: link,
  exportedStreams: link,
  importedStreams: link,
  jobGroups: link,
  jobsSnapshot: link,
  jobsMetricsSnapshot: link,
  applicationConfigurations: link,
})
/** See {@link instanceSchema}. */
export type Instance = z.output<typeof instanceSchema>

/** A host of the domain. */
export const hostSchema = z.looseObject({
  ...identified,
  displayName: text,
  name: text,
  ipAddress: text,
  status: state(HOST),
  tags: z.array(z.unknown()).nullish(),
  activeServices: link,
  allocations: link,
  metrics: link,
})
/** See {@link hostSchema}. */
export type Host = z.output<typeof hostSchema>

/** A host as an instance has it. A host that is `draining` takes no new PEs. */
export const allocationSchema = z.looseObject({
  self: z.string(),
  id: id.optional(),
  restid: id.optional(),
  resourceType: z.string().optional(),
  applicationResource: z.boolean().nullish(),
  status: state(HOST),
  schedulerStatus: state([
    'degraded',
    'draining',
    'failed',
    'notApplicable',
    'schedulable',
    'starting',
    'stopped',
    'unknown',
  ]),
  resource: link,
  instance: link,
  jobs: link,
  pes: link,
})
/** See {@link allocationSchema}. */
export type Allocation = z.output<typeof allocationSchema>

/** A service of a domain or instance. `leader: false` with status `waiting` is a standby. */
export const serviceSchema = z.looseObject({
  self: z.string(),
  restid: id.optional(),
  type: z.string(),
  status: state(SERVICE),
  leader: z.boolean().nullish(),
  processId: id.nullish(),
  startTime: time,
  connectionUrl: text,
  connectionUrlExternal: text,
  resource: link,
})
/** See {@link serviceSchema}. */
export type Service = z.output<typeof serviceSchema>
