import { z } from 'zod'
import { redact } from '../core/index.ts'
import { classificationSchema, drillReportSchema } from './schema.ts'

/**
 * What a drill leaves in `task.meta.failover` for the reporter: plain JSON only, since Vitest sends it by structured clone and
 * its JSON reporter prints it. Use {@link drillMeta} to make one; it throws on anything that would not survive the way.
 */
export const drillMetaSchema = z.strictObject({
  /** The drill as it will stand in `report.json`; its classification is refined by the reporter, which knows the test's errors. */
  drill: drillReportSchema.extend({ classification: classificationSchema.optional() }),
  /** Absolute path of the drill's own directory. */
  directory: z.string(),
})

/** Content of `task.meta.failover`. */
export type DrillMeta = z.infer<typeof drillMetaSchema>

declare module 'vitest' {
  interface TaskMeta {
    failover?: DrillMeta
  }
}

/**
 * Checked and detached content for `task.meta.failover`.
 * @throws TypeError naming the field that is not plain JSON or not of the schema
 */
export function drillMeta(meta: DrillMeta): DrillMeta {
  const parsed = drillMetaSchema.safeParse(JSON.parse(redact(JSON.stringify(meta))))
  if (!parsed.success) throw new TypeError(`not a drill's meta:\n${z.prettifyError(parsed.error)}`)
  return parsed.data
}
