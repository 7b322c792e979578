import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FILES } from './format.ts'

/** The text of `drill.json` for findings: stable, with a line end. */
export function findingsText(findings: object): string {
  return `${JSON.stringify(findings, undefined, 2)}\n`
}

/** Writes `drill.json` in one step: a reader sees the old file or the whole new one. */
export function writeFindings(directory: string, findings: object): void {
  const file = join(directory, FILES.findings)
  const half = `${file}.${process.pid}.part`
  writeFileSync(half, findingsText(findings), { mode: 0o600 })
  renameSync(half, file)
}

/** The text of `drill.json` as stored, or `undefined` if there is none. */
export function readFindings(directory: string): string | undefined {
  const file = join(directory, FILES.findings)
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
