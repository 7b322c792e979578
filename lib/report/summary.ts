import { dirname, join } from 'node:path'
import { styleText } from 'node:util'
import { formatMs, redact, type Verdict, formatSpan } from '../core/index.ts'
import type { CheckReport, DrillReport, Report } from './schema.ts'
import { formatTable, shorten } from './table.ts'

/** Options of {@link formatSummary}. */
export interface SummaryOptions {
  readonly colors?: boolean
  /** Where report.json lies, as the reader may type it. */
  readonly reportFile?: string
}

const MARK: Record<Verdict, string> = { pass: '✓', fail: '✗', inconclusive: '?' }
const COLOR = { pass: 'green', fail: 'red', inconclusive: 'yellow' } as const
const NAME_WIDTH = 56

/** What a run against this target is worth, in plain words. */
export function describeTarget(target: string): string {
  switch (target) {
    case 'embedded':
      return 'target: embedded lab — says nothing about a real site'
    case 'containers':
      return 'target: container lab — says nothing about a real site'
    case 'live':
      return 'target: live sites'
    default:
      return `target: ${target}`
  }
}

/**
 * The end of a run for the console: a table of drills with RTO by stage, RPO and verdict, what was skipped and why, what weakens
 * the run, and the target in plain sight.
 */
export function formatSummary(report: Report, options: SummaryOptions = {}): string {
  const paint = (verdict: Verdict, text: string): string =>
    options.colors ? styleText(COLOR[verdict], text, { validateStream: false }) : text
  const parts: string[] = []
  for (const target of report.target.split(', ')) parts.push(describeTarget(target))
  const planted = [...new Set(report.drills.flatMap(({ defects }) => defects ?? []))]
  if (planted.length > 0) parts.push(`planted into the lab: ${planted.join(', ')} — a drill that passes has missed it`)
  if (report.drills.length > 0) {
    parts.push(
      '',
      formatTable(
        HEADER,
        report.drills.map((drill) => row(drill, paint)),
      ),
    )
    if (report.drills.some((drill) => drill.rto !== null))
      parts.push('', 'RTO and stages since the outage, as observed bounds.')
  }
  const troubled = report.drills.filter((drill) => drill.verdict !== 'pass')
  if (troubled.length > 0) {
    parts.push('')
    for (const drill of troubled) {
      parts.push(`${MARK[drill.verdict]} ${drill.name}`)
      for (const why of reasons(drill)) parts.push(`    ${why}`)
      if (drill.directory) parts.push(`    files: ${join(dirname(options.reportFile ?? ''), drill.directory)}`)
    }
  }
  if (report.skipped.length > 0) parts.push('', ...skipped(report))
  if (report.problems.length > 0) parts.push('', ...report.problems.map((problem) => `! ${problem}`))
  parts.push('', `${paint(report.verdict, report.verdict.toUpperCase())}: ${counts(report)}`)
  if (options.reportFile) parts.push(`report: ${options.reportFile}`)
  return redact(parts.join('\n'))
}

const HEADER = ['scenario', 'verdict', 'RTO', 'detection', 'takeover', 'first output', 'steady', 'RPO']

function row(drill: DrillReport, paint: (verdict: Verdict, text: string) => string): readonly string[] {
  const stages = drill.rto?.stages
  const whose = drill.verdict === 'pass' || drill.classification === drill.verdict ? '' : ` (${drill.classification})`
  return [
    shorten(drill.name, NAME_WIDTH),
    paint(drill.verdict, `${MARK[drill.verdict]} ${drill.verdict}${whose}`),
    formatSpan(drill.rto),
    formatSpan(stages?.detection ?? null),
    formatSpan(stages?.takeover ?? null),
    formatSpan(stages?.firstOutput ?? null),
    formatSpan(stages?.steady ?? null),
    formatRpo(drill.rpo),
  ]
}

/** What was lost, in one line: `0 lost`, `3 lost (0.02s), 1 unknown, state 0.41s old`. */
export function formatRpo(rpo: DrillReport['rpo']): string {
  if (rpo === null) return '–'
  const { lostTuples, lostSeconds, indeterminateTuples, stateAgeSeconds } = rpo
  const parts = [lostTuples === null ? 'loss unknown' : `${lostTuples} lost`]
  if (lostTuples !== null && lostTuples > 0 && lostSeconds !== null) parts[0] += ` (${formatMs(lostSeconds * 1000)})`
  if (indeterminateTuples !== null && indeterminateTuples > 0) parts.push(`${indeterminateTuples} in doubt`)
  if (stateAgeSeconds !== null) parts.push(`state ${formatMs(stateAgeSeconds * 1000)} old`)
  return parts.join(', ')
}

/** Whether a check keeps its drill from being a pass: one that had nothing to judge, or said what the spec expected, does not. */
export function weakens({ verdict, applies, expectation }: CheckReport): boolean {
  if (expectation) return expectation.met !== true
  return applies !== false && verdict !== 'pass'
}

function reasons(drill: DrillReport): readonly string[] {
  const weak = [...drill.checks, ...drill.gates].filter(weakens)
  return [
    ...(drill.problems ?? []),
    ...weak.map((check) => `${check.verdict === 'fail' ? '✗' : '?'} ${check.name}: ${check.summary ?? check.verdict}`),
  ]
}

function skipped(report: Report): readonly string[] {
  const byReason = new Map<string, number>()
  for (const { reason } of report.skipped) byReason.set(reason, (byReason.get(reason) ?? 0) + 1)
  return [
    `skipped: ${report.skipped.length}`,
    ...[...byReason].sort((a, b) => b[1] - a[1]).map(([reason, count]) => `  ${count} × ${reason}`),
  ]
}

function counts(report: Report): string {
  const of = (verdict: Verdict): number => report.drills.filter((drill) => drill.verdict === verdict).length
  const parts = [`${of('pass')} of ${report.drills.length} drills passed`]
  if (of('fail') > 0) parts.push(`${of('fail')} failed`)
  if (of('inconclusive') > 0) parts.push(`${of('inconclusive')} inconclusive`)
  if (report.skipped.length > 0) parts.push(`${report.skipped.length} skipped`)
  return parts.join(', ')
}
