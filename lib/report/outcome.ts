import { relative } from 'node:path'
import type { Verdict } from '../core/index.ts'
import { classifyFailure, classifyFindings, reportedError } from './classification.ts'
import type { DrillMeta } from './meta.ts'
import type { DrillReport } from './schema.ts'

/** How Vitest saw a test end. `pending`: it has no result. */
export interface TestOutcome {
  readonly state: 'passed' | 'failed' | 'skipped' | 'pending'
  readonly errors: readonly unknown[]
  readonly name: string
  /** Relative to the root. */
  readonly file: string
  readonly environment: string
  readonly target: string
  readonly meta: DrillMeta | undefined
  /** Cancelled by a signal or by bail. */
  readonly interrupted: boolean
}

/**
 * A drill as it stands in the report: what its record says, and what its test says. The worse of the two counts, unknown is never
 * a pass.
 */
export function drillOutcome(outcome: TestOutcome, runDirectory: string): DrillReport {
  const { meta, errors } = outcome
  const base = meta?.drill ?? emptyDrill(outcome)
  const problems = [...new Set([...(base.problems ?? []), ...errors.map(firstLine)])]
  const directory = meta === undefined ? {} : { directory: relative(runDirectory, meta.directory) }
  const drill = { ...base, ...directory }
  if (outcome.interrupted && outcome.state !== 'passed') {
    return { ...drill, verdict: 'inconclusive', classification: 'inconclusive', problems: ['interrupted', ...problems] }
  }
  if (outcome.state === 'pending') {
    problems.push('the test ended without a result')
    return { ...drill, verdict: 'inconclusive', classification: 'inconclusive', problems }
  }
  if (outcome.state === 'failed') {
    const faultConfirmed = base.faults.some((fault) => fault.confirmed !== null)
    const classification = classifyFailure({ errors, verdict: meta?.drill.verdict, faultConfirmed })
    const verdict: Verdict =
      classification === 'product' ? 'fail' : meta?.drill.verdict === 'fail' ? 'fail' : 'inconclusive'
    return { ...drill, verdict, classification, problems }
  }
  const classification = base.classification ?? classifyFindings(base.verdict, false)
  return problems.length > 0 ? { ...drill, classification, problems } : { ...drill, classification }
}

function emptyDrill({ name, file, environment, target, state }: TestOutcome): DrillMeta['drill'] {
  return {
    name,
    file,
    environment,
    target,
    verdict: state === 'passed' ? 'pass' : 'inconclusive',
    rto: null,
    rpo: null,
    checks: [],
    faults: [],
    gates: [],
    prediction: null,
    seed: null,
  }
}

/** What is wrong, in one line; after the hint line of a matcher come its sentence and the facts that it was judged by. */
function firstLine(error: unknown): string {
  const { name, message, code } = reportedError(error)
  const lines = message.split('\n').filter((line) => line.trim() !== '')
  const text = lines[0]?.startsWith('expect(') ? saidBy(lines) : (lines[0] ?? '')
  return code !== undefined || name === undefined || name === 'AssertionError' ? text : `${name}: ${text}`
}

/** A matcher's message as one line, without what is told elsewhere: evidence, remedy, files. */
function saidBy([hint = '', sentence = '', ...rest]: readonly string[]): string {
  const end = rest.findIndex((line) => /^(Evidence|Remedy|Files):/.test(line))
  const facts = rest.slice(0, end < 0 ? rest.length : end).map((line) => line.trim().replaceAll(/\s+/g, ' '))
  return [hint, sentence, ...(facts.length > 0 ? [shortened(facts.join('; '))] : [])].join(' — ')
}

function shortened(text: string): string {
  return text.length > FACTS_SHOWN ? `${text.slice(0, FACTS_SHOWN)}…` : text
}

const FACTS_SHOWN = 400
