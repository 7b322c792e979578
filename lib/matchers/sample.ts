import type { DrillFindings, Finding, Gate, RtoMeasurement } from '../checkers/index.ts'
import type { Verdict } from '../core/index.ts'
import type { Drill, TakeoverSubject } from './subject.ts'

/** Findings of a plain drill: east was lost, west took over, nothing else happened. For tests of matchers and reports. */
export function sampleFindings(changes: Partial<DrillFindings> = {}): DrillFindings {
  return {
    verdict: 'pass',
    rto: sampleRto(),
    outages: [],
    rpo: {
      lostTuples: 0,
      unknownTuples: 0,
      indeterminateTuples: 12,
      refusedTuples: 3,
      lostSeconds: 0,
      stateAge: { lowerMs: 310, upperMs: 420 },
      stateAgeSeconds: 0.42,
      lostStateUpdates: 5,
    },
    findings: [],
    gates: [{ name: 'traffic', verdict: 'pass', summary: 'tuples before, during and after the fault', detail: {} }],
    groundTruth: null,
    ...changes,
  }
}

/** An RTO of 412 to 447 ms, most of it detection. */
export function sampleRto(changes: Partial<RtoMeasurement> = {}): RtoMeasurement {
  return {
    dc: 'east',
    reason: 'power off',
    outage: { earliest: 2000, latest: 2004 },
    recovery: { earliest: 2416, latest: 2447 },
    recoveredAt: 'west',
    span: { lowerMs: 412, upperMs: 447 },
    notBeforeMs: null,
    stages: {
      detection: { lowerMs: 380, upperMs: 395 },
      takeover: { lowerMs: 396, upperMs: 410 },
      firstOutput: { lowerMs: 412, upperMs: 447 },
      steady: { lowerMs: 700, upperMs: 760 },
    },
    ...changes,
  }
}

/** What one checker says. */
export function sampleFinding(name: string, verdict: Verdict, changes: Partial<Finding> = {}): Finding {
  const summary = { pass: 'nothing amiss', fail: '2 things amiss', inconclusive: 'too little was seen' }[verdict]
  return {
    name,
    verdict,
    applies: true,
    summary,
    detail: {},
    evidence: verdict === 'fail' ? [{ note: 'came out wrong', seq: 17, key: 'k3', dc: 'west' }] : [],
    ...changes,
  }
}

/** A gate that is not met. */
export const WEAK_GATE: Gate = {
  name: 'saturation',
  verdict: 'inconclusive',
  summary: 'the generator was 80ms late',
  detail: {},
}

/** A drill that was found to be so. */
export function sampleDrill(findings: DrillFindings, changes: Partial<Drill> = {}): Drill {
  return {
    name: 'a data centre is lost',
    directory: '.failover/runs/r1/d1',
    environment: { objectives: { rto: '3s', rpo: { tuples: 0, stateAge: '2s' } } },
    findings: () => Promise.resolve(findings),
    ...changes,
  }
}

/** A takeover that took as long as was predicted, but for what is changed. */
export function sampleTakeover(changes: Partial<TakeoverSubject> = {}): TakeoverSubject {
  return {
    survivor: 'west',
    detection: { earliest: 2380, latest: 2399 },
    takeover: { earliest: 2396, latest: 2414 },
    evidence: { kind: 'toolkit-metrics', detail: 'nOutputTuples of the watchdog went from 1 to 2' },
    expectations: [
      {
        what: 'detection',
        predicted: { lowerMs: 200, upperMs: 600 },
        measured: { lowerMs: 380, upperMs: 399 },
        rule: 'crash → DOWN = ((M−1)·P, (M+1)·P) (§8)',
      },
      { what: 'takeover', predicted: { lowerMs: 200, upperMs: 700 }, measured: { lowerMs: 396, upperMs: 414 } },
    ],
    directory: '.failover/runs/r1/d1',
    ...changes,
  }
}
