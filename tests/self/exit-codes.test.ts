import { describe, expect, it } from 'vitest'
import { runInline } from './run-inline.ts'

const HEAD = "import { expect } from 'vitest'\nimport { it } from '../../../tests/self/fake-drill.ts'\n"

describe('the end of a run', () => {
  it('is green when every drill is known to have passed', async () => {
    using run = await runInline({
      'a.spec.ts': `${HEAD}it('passes', async ({ drill }) => { drill.inject(); await expect(drill).toMeetRto() })`,
    })
    expect(run.exitCode, run.output).toBe(0)
    expect(run.report).toMatchObject({
      verdict: 'pass',
      environment: 'fake',
      target: 'containers',
      problems: [],
      drills: [{ name: 'passes', file: 'a.spec.ts', verdict: 'pass', classification: 'none', rto: { lowerMs: 300 } }],
    })
    expect(run.output).toContain('says nothing about a real site')
  })

  it('is red when a drill fails, and says whose failure it is', async () => {
    using run = await runInline({
      'a.spec.ts': `${HEAD}
it('misses its objective', async ({ drill }) => { await expect(drill).toMeetRto('100ms') })
it('has a mistake in its spec', async () => { const nothing = undefined; nothing.length })
it('loses data that nobody asserts', ({ drill }) => drill.judge('fail', '3 tuples lost'))`,
    })
    expect(run.exitCode, run.output).toBe(1)
    expect(run.report?.verdict).toBe('fail')
    expect(run.report?.drills).toMatchObject([
      { verdict: 'fail', classification: 'product' },
      { verdict: 'inconclusive', classification: 'tool' },
      { verdict: 'fail', classification: 'product' },
    ])
  })

  it('is red when a drill is inconclusive although its test is green', async () => {
    using run = await runInline({
      'a.spec.ts': `${HEAD}it('knows nothing', ({ drill }) => drill.judge('inconclusive', 'no traffic'))`,
    })
    expect(run.exitCode, run.output).toBe(1)
    expect(run.report).toMatchObject({
      verdict: 'inconclusive',
      drills: [{ verdict: 'inconclusive', classification: 'inconclusive' }],
    })
    expect(run.output).toContain('no traffic')
  })

  it('is red for an inconclusive matcher, with and without .not', async () => {
    using run = await runInline({
      'a.spec.ts': `${HEAD}
it('plain', async ({ drill }) => { await expect(drill).toMeetRto('320ms') })
it('negated', async ({ drill }) => { await expect(drill).not.toMeetRto('320ms') })
it('soft', async ({ drill }) => { await expect.soft(drill).not.toMeetRto('320ms') })`,
    })
    expect(run.exitCode, run.output).toBe(1)
    expect(run.report?.drills.map(({ verdict, classification }) => [verdict, classification])).toEqual([
      ['inconclusive', 'inconclusive'],
      ['inconclusive', 'inconclusive'],
      ['inconclusive', 'inconclusive'],
    ])
  })

  it('is red when no test has the name that was asked for', async () => {
    using run = await runInline({ 'a.spec.ts': `${HEAD}it('passes', () => {})` }, { args: ['-t', 'no such name'] })
    expect(run.exitCode, run.output).toBe(1)
    expect(run.report).toMatchObject({ verdict: 'inconclusive', drills: [], skipped: [] })
    expect(run.output).toContain('no drill ran')
  })

  it('is red when everything was skipped, and counts the reasons', async () => {
    using run = await runInline({
      'a.spec.ts': `${HEAD}
import { requireOrSkip } from '../../../lib/vitest/index.ts'
it('one', ({ task, skip }) => requireOrSkip({ task, skip }, 'packets', 'the embedded lab has none'))
it('two', ({ task, skip }) => requireOrSkip({ task, skip }, 'packets', 'the embedded lab has none'))
it.skip('three', () => {})`,
    })
    expect(run.exitCode, run.output).toBe(1)
    expect(run.report).toMatchObject({
      verdict: 'inconclusive',
      drills: [],
      skipped: [{ reason: 'needs packets: the embedded lab has none' }, {}, { reason: 'skipped by the spec' }],
    })
    expect(run.output).toContain('2 × needs packets: the embedded lab has none')
  })

  it('is red for a skip that FAILOVER_REQUIRE forbids', async () => {
    using run = await runInline(
      {
        'a.spec.ts': `${HEAD}
import { requireOrSkip } from '../../../lib/vitest/index.ts'
it('one', ({ task, skip }) => requireOrSkip({ task, skip }, 'packets', 'the embedded lab has none'))
it('two', () => {})`,
      },
      { env: { FAILOVER_REQUIRE: 'prometheus,packets' } },
    )
    expect(run.exitCode, run.output).toBe(1)
    expect(run.report?.drills).toMatchObject([
      { name: 'one', verdict: 'inconclusive', classification: 'environment' },
      { name: 'two', verdict: 'pass' },
    ])
  })

  it('is red for an unhandled rejection beside green tests', async () => {
    using run = await runInline({
      'a.spec.ts': `${HEAD}it('passes', () => { void Promise.reject(new Error('nobody looks')) })`,
    })
    expect(run.exitCode, run.output).toBe(1)
    expect(run.report?.verdict).toBe('inconclusive')
    expect(run.report?.problems.join()).toContain('nobody looks')
  })

  it('is red when a spec cannot be loaded', async () => {
    using run = await runInline({
      'a.spec.ts': `${HEAD}it('passes', () => {})`,
      'b.spec.ts': `throw new Error('cannot be loaded')`,
    })
    expect(run.exitCode, run.output).toBe(1)
    expect(run.report?.verdict).toBe('inconclusive')
    expect(run.report?.problems.join()).toContain('b.spec.ts: cannot be loaded')
  })
})
