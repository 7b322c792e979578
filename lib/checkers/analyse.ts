import { mergeVerdicts, type Verdict } from '../core/index.ts'
import { readHistory, type EventOf } from '../history/index.ts'
import { analysisOf, contextOf, type Analysis } from './analysis.ts'
import type { DrillFindings, Finding, Gate } from './finding.ts'
import { gatesOf } from './gates/index.ts'
import { CHECKERS } from './registry.ts'

/** Options of {@link analyse}. */
export interface AnalyseOptions {
  /** The drill has not ended yet: its record need not have an end. Default false. */
  readonly running?: boolean
}

/**
 * Findings of a drill, computed from the files of its directory alone: the same files give the same findings. May be asked while
 * the drill runs, once the writers have flushed.
 * @throws HistoryError if there is no record; CorruptHistoryError naming file and offset
 */
export async function analyse(directory: string, options: AnalyseOptions = {}): Promise<DrillFindings> {
  return judge(await analysisOf(readHistory(directory)), options)
}

/** Runs all gates and checkers over an analysis. Pure. */
export function judge(analysis: Analysis, options: AnalyseOptions = {}): DrillFindings {
  const context = contextOf(analysis)
  const gates = gatesOf(analysis, { running: options.running ?? false })
  const expected = new Map(analysis.timeline.of('expectation').map((event) => [event.check, event]))
  const findings = CHECKERS.map((checker) => expect(checker.check(analysis, context), expected.get(checker.name)))
  const { rto, rpo, outages } = analysis
  return {
    verdict: verdictOf(findings, gates),
    rto,
    outages,
    rpo,
    findings,
    gates,
    groundTruth: truthOf(analysis),
  }
}

function expect(finding: Finding, expectation: EventOf<'expectation'> | undefined): Finding {
  if (!expectation) return finding
  const { verdict, because } = expectation
  const met = finding.verdict === verdict ? true : finding.verdict === 'inconclusive' ? null : false
  return { ...finding, expectation: { verdict, because, met } }
}

/** What a finding weighs in the drill's verdict: itself, or whether what the spec expected of it came true. */
function weight({ verdict, applies, expectation }: Finding): readonly Verdict[] {
  if (expectation) return [expectation.met === null ? 'inconclusive' : expectation.met ? 'pass' : 'fail']
  return applies ? [verdict] : []
}

function verdictOf(findings: readonly Finding[], gates: readonly Gate[]): Verdict {
  return mergeVerdicts([...findings.flatMap(weight), ...gates.map(({ verdict }) => verdict)])
}

function truthOf({ timeline }: Analysis): DrillFindings['groundTruth'] {
  const truth = timeline.of('truth').at(-1)
  if (!truth) return null
  const { outageMs, detectionMs, takeoverMs, firstOutputMs, rtoMs } = truth
  return { outageMs, detectionMs, takeoverMs, firstOutputMs, rtoMs }
}
