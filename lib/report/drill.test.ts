import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HistoryEventInput } from '../history/index.ts'
import { sampleFinding, sampleFindings, sampleRto } from '../matchers/sample.ts'
import { toDrillReport, toInterruptedReport } from './drill.ts'
import { drillReportSchema } from './schema.ts'

const START: HistoryEventInput = {
  type: 'drill-started',
  at: 5000,
  origin: 5000,
  wall: 0,
  run: 'r1',
  name: 'a data centre is lost',
  file: 'specs/a.spec.ts',
  environment: 'dc-east-west',
  target: 'embedded',
  mode: 'active-active',
  roles: { victim: 'east', survivor: 'west' },
  objectives: { rtoMs: 3000 },
  contract: { delivery: 'at-most-once', ordered: true },
  seed: 7,
}

let directory: string
const write = (...events: HistoryEventInput[]): void => {
  for (const event of events) appendFileSync(join(directory, 'history.jsonl'), `${JSON.stringify(event)}\n`)
}
const fault = (state: 'planned' | 'injected' | 'confirmed' | 'healed' | 'failed', at: number, id = 'f1') =>
  ({ type: 'fault', at: { earliest: at, latest: at + 4 }, id, kind: 'crash', target: 'east', state }) as const

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'failover-drill-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('a drill in the report', () => {
  it('has the names of its history, and its faults on its own clock', () => {
    write(START, fault('planned', 6900), fault('injected', 7000), fault('confirmed', 7010), fault('healed', 9000))
    const report = toDrillReport(directory, sampleFindings())
    expect(drillReportSchema.parse(report)).toEqual(report)
    expect(report).toMatchObject({
      name: 'a data centre is lost',
      file: 'specs/a.spec.ts',
      environment: 'dc-east-west',
      target: 'embedded',
      seed: 7,
      verdict: 'pass',
      classification: 'none',
      rto: { lowerMs: 412, upperMs: 447, stages: { detection: { lowerMs: 380, upperMs: 395 } } },
      rpo: { lostTuples: 0, indeterminateTuples: 12, lostSeconds: 0, stateAgeSeconds: 0.42 },
      faults: [
        {
          kind: 'crash',
          target: 'east',
          injected: { lowerMs: 2000, upperMs: 2004 },
          confirmed: { lowerMs: 2010, upperMs: 2014 },
          healed: { lowerMs: 4000, upperMs: 4004 },
        },
      ],
    })
    expect(report).not.toHaveProperty('groundTruth')
  })

  it('keeps faults apart, and says which were never confirmed or healed', () => {
    write(START, fault('injected', 7000, 'a'), fault('injected', 7500, 'b'), fault('confirmed', 7600, 'b'))
    expect(toDrillReport(directory, sampleFindings()).faults).toMatchObject([
      { id: 'a', confirmed: null, healed: null },
      { id: 'b', confirmed: { lowerMs: 2600 }, healed: null },
    ])
  })

  it('has a lower bound alone where no recovery was seen', () => {
    write(START)
    const rto = sampleRto({ span: null, recovery: null, notBeforeMs: 5200 })
    expect(toDrillReport(directory, sampleFindings({ rto })).rto).toMatchObject({ lowerMs: 5200, upperMs: null })
    expect(toDrillReport(directory, sampleFindings({ rto: null, rpo: null }))).toMatchObject({ rto: null, rpo: null })
  })

  it('carries what the spec expected of a check, and the ground truth of a lab', () => {
    write(START)
    const expectation = { verdict: 'fail', because: 'the network is cut', met: true } as const
    const groundTruth = { outageMs: 2001, detectionMs: 2390, takeoverMs: 2400, firstOutputMs: 2430, rtoMs: 429 }
    const findings = [
      sampleFinding('split-brain', 'fail', { expectation }),
      sampleFinding('reconvergence', 'inconclusive', { applies: false }),
    ]
    const report = toDrillReport(directory, sampleFindings({ findings, groundTruth }))
    expect(report.checks).toMatchObject([
      { name: 'split-brain', expectation },
      { name: 'reconvergence', applies: false },
    ])
    expect(report.groundTruth).toEqual(groundTruth)
    expect(drillReportSchema.parse(report)).toEqual(report)
  })

  it('is the environment’s when its fault could not be done', () => {
    write(START, fault('failed', 7000))
    const { classification } = toDrillReport(directory, sampleFindings({ verdict: 'inconclusive' }))
    expect(classification).toBe('environment')
  })

  it('is inconclusive when its process died, even in the middle of a line', () => {
    write(START, fault('injected', 7000))
    appendFileSync(join(directory, 'history.jsonl'), '{"type":"fault","at":{"ear')
    expect(toInterruptedReport(directory, 'the process died')).toMatchObject({
      verdict: 'inconclusive',
      classification: 'inconclusive',
      problems: ['the process died'],
      faults: [{ injected: { lowerMs: 2000 }, healed: null }],
    })
  })

  it('cannot be told without a beginning', () => {
    writeFileSync(join(directory, 'history.jsonl'), '{"type":')
    expect(toInterruptedReport(directory, 'x')).toBeUndefined()
    expect(() => toDrillReport(directory, sampleFindings())).toThrow(/does not begin with a drill/)
  })
})
