import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import { describe, expect, it } from 'vitest'
import { registerSecret } from '../core/index.ts'
import { reportJsonSchema, writeReport } from './json.ts'
import { drillMeta } from './meta.ts'
import { sampleDrillReport, sampleReport } from './sample.ts'

describe('report.json', () => {
  it('has a published JSON Schema that is up to date', async () => {
    // Stale? `npx vitest run --project unit lib/report/schema -u` writes it anew.
    const file = join(import.meta.dirname, 'report.schema.json')
    const options = await resolveConfig(file)
    const text = await format(JSON.stringify(reportJsonSchema()), { ...options, filepath: file })
    await expect(text).toMatchFileSnapshot(file)
  })

  it('is written whole, checked, and without secrets', () => {
    const directory = mkdtempSync(join(tmpdir(), 'failover-report-'))
    registerSecret('open-sesame-"quoted"')
    try {
      const file = writeReport(directory, sampleReport({ problems: ['open-sesame-"quoted" was refused'] }))
      const text = readFileSync(file, 'utf8')
      expect(text).not.toContain('sesame')
      expect(JSON.parse(text)).toMatchObject({ schemaVersion: 1, problems: ['[secret] was refused'] })
      const wrong = sampleReport({ drills: [{ ...sampleDrillReport(), verdict: 'maybe' as 'pass' }] })
      expect(() => writeReport(directory, wrong)).toThrow(/verdict/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('drillMeta', () => {
  it('takes what is plain and names what is not of the schema', () => {
    const meta = { drill: sampleDrillReport(), directory: '/x' }
    expect(drillMeta(meta)).toEqual(meta)
    const odd = { ...meta, drill: { ...meta.drill, checks: [{ name: 'a', verdict: 'pass' as const, detail: 1n }] } }
    expect(() => drillMeta(odd)).toThrow(TypeError)
    expect(() => drillMeta({ ...meta, drill: { ...meta.drill, seed: '7' as unknown as number } })).toThrow(/seed/)
  })

  it('carries no secret', () => {
    registerSecret('canary-in-meta')
    const drill = sampleDrillReport({ problems: ['canary-in-meta'] })
    expect(JSON.stringify(drillMeta({ drill, directory: '/x' }))).not.toContain('canary')
  })
})
