import { z } from 'zod'
import { id, integer, link, text, time, identified } from './element-parts.ts'
import { state } from './enums.ts'

/** One metric. `value` was true at `lastTimeRetrieved` (server's clock), which may be long ago. */
export const metricSchema = z.looseObject({
  name: z.string(),
  value: integer,
  description: text,
  metricKind: state(['counter', 'gauge', 'time', 'unknown']),
  metricType: state(['system', 'custom', 'unknown']),
  lastTimeRetrieved: time,
})
/** See {@link metricSchema}. */
export type Metric = z.output<typeof metricSchema>

/** A view: a lossy sample of a stream. */
export const viewSchema = z.looseObject({
  ...identified,
  name: z.string().default(''),
  started: z.boolean().nullish(),
  logicalOperatorName: text,
  viewItems: link,
})
/** See {@link viewSchema}. */
export type View = z.output<typeof viewSchema>

/** A sampled tuple. Items are read again and again: tell them apart by `collectionTime` and position. */
export const viewItemSchema = z.looseObject({
  collectionTime: integer.nullish(),
  data: z.record(z.string(), z.unknown()),
})
/** See {@link viewItemSchema}. */
export type ViewItem = z.output<typeof viewItemSchema>

/** An application configuration: named properties that operators read. */
export const configurationSchema = z.looseObject({
  self: z.string(),
  id: id.optional(),
  name: z.string(),
  description: text,
  properties: z.record(z.string(), z.string().nullable()).default({}),
})
/** See {@link configurationSchema}. */
export type ApplicationConfiguration = z.output<typeof configurationSchema>
