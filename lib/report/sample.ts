import type { DrillReport, Report } from './schema.ts'

/** A drill that passed, but for what is changed. For tests of reports. */
export function sampleDrillReport(changes: Partial<DrillReport> = {}): DrillReport {
  return {
    name: 'a data centre is lost > is taken over within the objective',
    file: 'specs/data-center-crash.spec.ts',
    environment: 'dc-east-west',
    target: 'embedded',
    verdict: 'pass',
    classification: 'none',
    rto: {
      lowerMs: 412,
      upperMs: 447,
      stages: {
        detection: { lowerMs: 380, upperMs: 395 },
        takeover: { lowerMs: 396, upperMs: 410 },
        firstOutput: { lowerMs: 412, upperMs: 447 },
        steady: { lowerMs: 980, upperMs: 1020 },
      },
    },
    rpo: { lostTuples: 0, unknownTuples: 0, indeterminateTuples: 12, lostSeconds: 0, stateAgeSeconds: 0.42 },
    checks: [{ name: 'lost', verdict: 'pass', summary: 'no acknowledged tuple was lost', detail: { count: 0 } }],
    faults: [
      {
        id: 'f1',
        kind: 'data-center-crash',
        target: 'east',
        injected: { lowerMs: 2000, upperMs: 2004 },
        confirmed: { lowerMs: 2004, upperMs: 2020 },
        healed: { lowerMs: 6000, upperMs: 6400 },
      },
    ],
    gates: [],
    prediction: null,
    seed: 7,
    directory: 'dc-east-west-a-data-centre-is-lost-1f00',
    ...changes,
  }
}

/** A run that shows everything that a report can show. */
export function sampleReport(changes: Partial<Report> = {}): Report {
  return {
    schemaVersion: 1,
    run: '2026-01-02T03-04-05-abcd',
    target: 'embedded',
    environment: 'dc-east-west',
    verdict: 'fail',
    startedAt: '2026-01-02T03:04:05.000Z',
    finishedAt: '2026-01-02T03:05:05.000Z',
    drills: [
      sampleDrillReport(),
      sampleDrillReport({
        name: 'the network between the data centres is cut > and both go on with the work of both, which is lost at the end',
        verdict: 'fail',
        classification: 'product',
        rpo: { lostTuples: 31, unknownTuples: 0, indeterminateTuples: 0, lostSeconds: 0.31, stateAgeSeconds: null },
        checks: [{ name: 'lost', verdict: 'fail', summary: '31 acknowledged tuples never came out' }],
        directory: 'dc-east-west-the-network-2e11',
      }),
      sampleDrillReport({
        name: 'a PE hangs > is seen',
        verdict: 'inconclusive',
        classification: 'environment',
        rto: {
          lowerMs: 5200,
          upperMs: null,
          stages: { detection: null, takeover: null, firstOutput: null, steady: null },
        },
        rpo: null,
        checks: [],
        gates: [
          { name: 'steady-before', verdict: 'inconclusive', summary: 'throughput was not steady before the fault' },
        ],
        problems: ['UnreachableError: east does not answer'],
        directory: 'dc-east-west-a-pe-hangs-3d22',
      }),
    ],
    skipped: [
      { name: 'a', file: 'specs/a.spec.ts', environment: 'dc-east-west', reason: 'needs packets: links carry streams' },
      { name: 'b', file: 'specs/b.spec.ts', environment: 'dc-east-west', reason: 'needs packets: links carry streams' },
      { name: 'c', file: 'specs/c.spec.ts', environment: 'dc-east-west', reason: 'needs sshd: not installed' },
    ],
    problems: ['unhandled error: worker ended'],
    ...changes,
  }
}
