import { describe, expect, it } from 'vitest'
import { runInline } from './run-inline.ts'

const SPEC = {
  'a.spec.ts': `
import { it } from '../../../tests/self/fake-drill.ts'
it('passes', ({ drill }) => { drill.inject() })`,
}

describe('a live environment', () => {
  it('is not touched by a run that does not name it', async () => {
    using run = await runInline(SPEC, { target: 'live' })
    expect(run.exitCode).toBe(1)
    expect(run.read('log')).toBeUndefined()
    expect(run.output).toContain('fake is a live environment and is left out')
  })

  it('is not touched through a wildcard', async () => {
    using run = await runInline(SPEC, { target: 'live', args: ['--project', 'f*'] })
    expect(run.exitCode).toBe(1)
    expect(run.read('log')).toBeUndefined()
  })

  it('runs when it is named', async () => {
    using run = await runInline(SPEC, { target: 'live', args: ['--project', 'fake'] })
    expect(run.exitCode, run.output).toBe(0)
    expect(run.report?.target).toBe('live')
    expect(run.output).toContain('target: live sites')
  })

  it('runs when FAILOVER_TARGET says so', async () => {
    using run = await runInline(SPEC, { target: 'live', env: { FAILOVER_TARGET: 'live' } })
    expect(run.exitCode, run.output).toBe(0)
  })
})

describe('the embedded lab', () => {
  it('is announced loudly when nothing is configured, and in the report', async () => {
    using run = await runInline(SPEC, { target: 'embedded', byDefault: true })
    expect(run.exitCode, run.output).toBe(0)
    expect(run.output).toContain('no environment configured: running against the embedded lab')
    expect(run.output).toContain('target: embedded lab — says nothing about a real site')
    expect(run.report?.target).toBe('embedded')
  })
})
