import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { DrillFindings, Finding, Gate, RtoMeasurement } from '../checkers/index.ts'
import { relativeTo, type Interval } from '../core/index.ts'
import { historyEvent, type DrillStarted, type EventOf, type HistoryEvent } from '../history/index.ts'
import { classifyFindings } from './classification.ts'
import type { CheckReport, DrillReport } from './schema.ts'

/** What a history of a drill holds, as far as it was written before its end. */
export interface DrillEvents {
  readonly start: DrillStarted | undefined
  readonly faults: readonly EventOf<'fault'>[]
  /** `drill-ended`, unless the drill was cut off. */
  readonly end: EventOf<'drill-ended'> | undefined
  readonly interrupted: EventOf<'interrupted'> | undefined
}

/** The events of a drill's history that a report needs. Lines that were not written to their end are passed over. */
export function readDrillEvents(directory: string): DrillEvents {
  const events = readFileSync(join(directory, 'history.jsonl'), 'utf8').split('\n').flatMap(parseLine)
  const of = <Type extends HistoryEvent['type']>(type: Type): EventOf<Type>[] =>
    events.filter((event): event is EventOf<Type> => event.type === type)
  return {
    start: of('drill-started')[0],
    faults: of('fault'),
    end: of('drill-ended').at(-1),
    interrupted: of('interrupted').at(-1),
  }
}

function parseLine(line: string): readonly HistoryEvent[] {
  if (line === '') return []
  try {
    const parsed = historyEvent.safeParse(JSON.parse(line))
    return parsed.success ? [parsed.data] : []
  } catch {
    return []
  }
}

/**
 * A drill as it stands in `report.json`, from its findings and its history on disk. Intervals are on the drill's own clock.
 * @throws Error if there is no history with a beginning in the directory
 */
export function toDrillReport(directory: string, findings: DrillFindings): DrillReport {
  const { start, faults } = readDrillEvents(directory)
  if (!start) throw new Error(`${join(directory, 'history.jsonl')} does not begin with a drill`)
  return {
    ...identity(start),
    verdict: findings.verdict,
    classification: classifyFindings(
      findings.verdict,
      faults.some(({ state }) => state === 'failed'),
    ),
    rto: findings.rto === null ? null : rtoOf(findings.rto),
    rpo: findings.rpo === null ? null : rpoOf(findings),
    checks: findings.findings.map(checkOf),
    faults: faultsOf(faults, start.origin),
    gates: findings.gates.map(gateOf),
    ...(findings.groundTruth === null ? {} : { groundTruth: findings.groundTruth }),
    ...(start.defects && start.defects.length > 0 ? { defects: start.defects } : {}),
  }
}

/** The report of a drill that nobody judged, because its process died: inconclusive, whatever it has seen. */
export function toInterruptedReport(directory: string, problem: string): DrillReport | undefined {
  const { start, faults } = readDrillEvents(directory)
  if (!start) return undefined
  return {
    ...identity(start),
    verdict: 'inconclusive',
    classification: 'inconclusive',
    rto: null,
    rpo: null,
    checks: [],
    faults: faultsOf(faults, start.origin),
    gates: [{ name: 'completed', verdict: 'inconclusive', summary: problem }],
    problems: [problem],
  }
}

type Identity = Pick<DrillReport, 'name' | 'file' | 'environment' | 'target' | 'prediction' | 'seed'>

function identity({ name, file, environment, target, prediction, seed }: DrillStarted): Identity {
  return {
    name,
    file: file.startsWith('/') ? relative(process.cwd(), file) : file,
    environment,
    target,
    prediction,
    seed,
  }
}

function rtoOf(rto: RtoMeasurement): DrillReport['rto'] {
  return {
    lowerMs: rto.span?.lowerMs ?? rto.notBeforeMs,
    upperMs: rto.span?.upperMs ?? null,
    stages: rto.stages,
  }
}

function rpoOf({ rpo }: DrillFindings): DrillReport['rpo'] {
  if (rpo === null) return null
  const { lostTuples, unknownTuples, indeterminateTuples, lostSeconds, stateAgeSeconds } = rpo
  return { lostTuples, unknownTuples, indeterminateTuples, lostSeconds, stateAgeSeconds }
}

function checkOf({ name, verdict, summary, detail, expectation, applies }: Finding): CheckReport {
  return {
    name,
    verdict,
    summary,
    detail,
    ...(applies ? {} : { applies }),
    ...(expectation === undefined ? {} : { expectation }),
  }
}

function gateOf({ name, verdict, summary, detail }: Gate): CheckReport {
  return { name, verdict, summary, detail }
}

/** One entry per fault, in the order of their beginning, with the bounds of its states. */
function faultsOf(events: readonly EventOf<'fault'>[], origin: number): DrillReport['faults'] {
  return [...group(events)].flatMap(([id, states]) => {
    const first = states[0]
    if (!first) return []
    const when = (state: string): { lowerMs: number; upperMs: number } | null => {
      const event = states.find((candidate) => candidate.state === state)
      return event ? bounds(relativeTo(origin, event.at)) : null
    }
    return [
      {
        id,
        kind: first.kind,
        target: first.target,
        injected: when('injected'),
        confirmed: when('confirmed'),
        healed: when('healed'),
      },
    ]
  })
}

function group(events: readonly EventOf<'fault'>[]): Map<string, EventOf<'fault'>[]> {
  const groups = new Map<string, EventOf<'fault'>[]>()
  for (const event of events) groups.set(event.id, [...(groups.get(event.id) ?? []), event])
  return groups
}

function bounds({ earliest, latest }: Interval): { lowerMs: number; upperMs: number } {
  return { lowerMs: earliest, upperMs: latest }
}
