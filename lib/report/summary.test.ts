import { describe, expect, it } from 'vitest'
import { registerSecret } from '../core/index.ts'
import { sampleDrillReport, sampleReport } from './sample.ts'
import { formatRpo, formatSummary } from './summary.ts'

describe('the end of a run on the console', () => {
  it('shows drills with RTO by stage, RPO, verdict, target, reasons and what was skipped', async () => {
    const text = formatSummary(sampleReport(), { reportFile: '.failover/latest/report.json' })
    await expect(`${text}\n`).toMatchFileSnapshot('__snapshots__/summary.txt')
  })

  it('is short where all is well', () => {
    const report = sampleReport({
      drills: [sampleDrillReport()],
      skipped: [],
      problems: [],
      verdict: 'pass',
      target: 'live',
    })
    expect(formatSummary(report)).toMatchInlineSnapshot(`
      "target: live sites

      scenario                                                  verdict  RTO        detection  takeover   first output  steady       RPO
      ────────────────────────────────────────────────────────  ───────  ─────────  ─────────  ─────────  ────────────  ───────────  ────────────────────────────────────
      a data centre is lost > is t…n over within the objective  ✓ pass   412–447ms  380–395ms  396–410ms  412–447ms     980ms–1.02s  0 lost, 12 in doubt, state 420ms old

      RTO and stages since the outage, as observed bounds.

      PASS: 1 of 1 drills passed"
    `)
  })

  it('paints the verdicts where there are colours', () => {
    expect(formatSummary(sampleReport(), { colors: true })).toContain('\x1b[31m✗ fail (product)\x1b[39m')
  })

  it('never shows a secret', () => {
    registerSecret('swordfish-swordfish')
    const problems = ['cannot log in with swordfish-swordfish']
    expect(formatSummary(sampleReport({ problems }))).toContain('cannot log in with [secret]')
  })
})

describe('formatRpo', () => {
  it('tells loss, doubt and age apart', () => {
    const rpo = { lostTuples: 2, lostSeconds: 0.04, indeterminateTuples: 3, stateAgeSeconds: 1.25 }
    expect(formatRpo(rpo)).toBe('2 lost (40ms), 3 in doubt, state 1.25s old')
    expect(formatRpo({ ...rpo, lostTuples: 0, indeterminateTuples: 0, stateAgeSeconds: null })).toBe('0 lost')
    expect(formatRpo({ ...rpo, lostTuples: null, indeterminateTuples: null, stateAgeSeconds: null })).toBe(
      'loss unknown',
    )
    expect(formatRpo(null)).toBe('–')
  })
})
