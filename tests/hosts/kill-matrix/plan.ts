import { seeded } from '../../../lib/core/index.ts'
import type { Killer, Trial, TrialResult } from './trial.ts'

/** A fault of the matrix. */
export interface MatrixFault {
  readonly kind: string
  readonly params: unknown
}

/** A trial whose fault is still to be aimed at a ground. */
export type PlannedTrial = Omit<Trial, 'params'>

/**
 * Trials at random instants: every pair of kind and killer as often as the others, give or take one, in random order, so that a
 * small sample is a fair one.
 */
export function planTrials(
  kinds: readonly string[],
  killers: readonly Killer[],
  count: number,
  seed: number,
): readonly PlannedTrial[] {
  const random = seeded(seed)
  const pairs = kinds.flatMap((kind) => killers.map((killer) => ({ kind, killer })))
  const trials: PlannedTrial[] = []
  while (trials.length < count && pairs.length > 0) {
    const round = pairs.map((pair) => ({ pair, order: random.next() })).toSorted((x, y) => x.order - y.order)
    for (const { pair } of round.slice(0, count - trials.length)) trials.push({ ...pair, instant: random.next() })
  }
  return trials
}

/** The matrix as a table of Markdown: a cell tells trials that left nothing of all trials, and the longest time until then. */
export function renderMatrix(results: readonly TrialResult[]): string {
  const rows = [...new Set(results.map(({ ground, kind }) => `${kind} on ${ground}`))].sort()
  const killers = [...new Set(results.map(({ killer }) => killer))].sort()
  const cell = (row: string, killer: Killer): string => {
    const found = results.filter((result) => `${result.kind} on ${result.ground}` === row && result.killer === killer)
    if (found.length === 0) return '–'
    const clean = found.filter(({ left }) => left.length === 0)
    const slowest = Math.max(...clean.map(({ cleanAfterMs }) => cleanAfterMs))
    return `${clean.length}/${found.length}${clean.length > 0 ? `, ≤ ${(slowest / 1000).toFixed(1)} s` : ''}`
  }
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(['fault', ...killers]),
    line(['---', ...killers.map(() => '---')]),
    ...rows.map((row) => line([row, ...killers.map((killer) => cell(row, killer))])),
    '',
  ].join('\n')
}
