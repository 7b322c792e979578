import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject, test } from 'vitest'
import type { DrillFindings } from '../../lib/checkers/index.ts'
import { now, pause, type Verdict } from '../../lib/core/index.ts'
import type { Drill } from '../../lib/matchers/index.ts'
import { drillMeta, openProgress, toDrillReport, type DrillProgress } from '../../lib/report/index.ts'
import { claimDrillDirectory, onWorkerEnd, workerEndSignal } from '../../lib/vitest/index.ts'

/** A drill that breaks nothing: its fault is a file, its history a few lines. For tests of what surrounds a drill. */
export interface FakeDrill extends Drill {
  readonly progress: DrillProgress
  /** "Breaks" something: the file `fault-on`, with this process's pid, is there until the heal. */
  inject(): void
  /** Waits for ever, as a wait that takes the test's signal does. */
  hang(): Promise<void>
  /** What the drill is found to be. It is a pass unless this says otherwise. */
  judge(verdict: Verdict, summary: string): void
}

/** `it` with a fake drill in every test. Files are written where the run was started. */
export const it = test.extend('drill', { auto: true }, async ({ task, signal }, { onCleanup }): Promise<FakeDrill> => {
  const name = task.fullTestName
  const run = inject('failoverRun')
  const { name: environment, target } = inject('failoverEnvironment')
  const file = task.file.name
  const directory = claimDrillDirectory(run.directory, { environment, file, name })
  const record = (event: object): void => appendFileSync(join(directory, 'history.jsonl'), `${JSON.stringify(event)}\n`)
  const note = (text: string): void => appendFileSync('log', `${text}\n`)
  const origin = now()
  record({
    type: 'drill-started',
    at: origin,
    origin,
    wall: Date.now(),
    run: run.id,
    name,
    file,
    environment,
    target,
    mode: 'active-active',
    roles: { victim: 'east', survivor: 'west' },
    objectives: { rtoMs: 1000 },
    contract: { delivery: 'at-least-once', ordered: true },
    seed: 7,
  })
  let findings = findingsOf('pass', 'all is well')
  const fault = (state: string): void => {
    const at = { earliest: now(), latest: now() }
    record({ type: 'fault', at, id: 'f1', kind: 'fake', target: 'east', state })
  }
  const heal = (): void => {
    rmSync('fault-on', { force: true })
    fault('healed')
    note(`healed ${name}`)
  }
  const forget = onWorkerEnd(async () => heal())
  const progress = openProgress({ runDirectory: run.directory, drill: name })
  let broken = false
  onCleanup(() => {
    if (broken) heal()
    forget()
    progress[Symbol.dispose]()
    record({ type: 'drill-ended', at: now(), outcome: 'passed' })
    task.meta.failover = drillMeta({ drill: toDrillReport(directory, findings), directory })
  })
  return {
    name,
    directory,
    progress,
    environment: { objectives: { rto: '1s' } },
    findings: () => Promise.resolve(findings),
    inject: () => {
      note(`injected ${name}`)
      fault('injected')
      fault('confirmed')
      writeFileSync('fault-on.new', String(process.pid))
      writeFileSync('fault-on', String(process.pid))
      broken = true
    },
    hang: () => pause(60_000, AbortSignal.any([signal, workerEndSignal()])),
    judge: (verdict, summary) => {
      findings = findingsOf(verdict, summary)
    },
  }
})

/** Findings of a drill in which everything is as the verdict says. */
function findingsOf(verdict: Verdict, summary: string): DrillFindings {
  const at = { earliest: 100, latest: 110 }
  const span = { lowerMs: 300, upperMs: 340 }
  const rto = {
    dc: 'east',
    reason: 'fake',
    outage: at,
    recovery: { earliest: 410, latest: 440 },
    recoveredAt: 'west',
    span,
    notBeforeMs: null,
    stages: { detection: { lowerMs: 250, upperMs: 280 }, takeover: null, firstOutput: span, steady: null },
  } as const
  return {
    verdict,
    rto,
    outages: [rto],
    rpo: {
      lostTuples: 0,
      unknownTuples: 0,
      indeterminateTuples: 2,
      refusedTuples: 0,
      lostSeconds: 0,
      stateAge: null,
      stateAgeSeconds: null,
      lostStateUpdates: null,
    },
    findings: [{ name: 'lost', verdict, applies: true, summary, detail: {}, evidence: [] }],
    gates: [],
    groundTruth: null,
  }
}
