import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { redact } from '../core/index.ts'
import { reportSchema, type Report } from './schema.ts'

/**
 * Writes `report.json` into the run's directory, whole or not at all, without secrets. Returns its path.
 * @throws ZodError if the report is not of its own schema
 */
export function writeReport(directory: string, report: Report): string {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'report.json')
  const plain: unknown = JSON.parse(redact(JSON.stringify(report)))
  writeFileSync(`${file}.new`, `${JSON.stringify(reportSchema.parse(plain), null, 2)}\n`)
  renameSync(`${file}.new`, file)
  return file
}

/** The JSON Schema of `report.json`, as published in `report.schema.json`. */
export function reportJsonSchema(): unknown {
  return { title: 'Report of failover drills', ...z.toJSONSchema(reportSchema, { target: 'draft-2020-12' }) }
}
