import { formatMs, type Span } from '../core/index.ts'
import type { Tolerance } from './tolerance.ts'

/** A predicted length of time in real milliseconds, tolerance included. */
export interface PredictedSpan extends Span {
  /** The bounds by the toolkit's rules alone. */
  readonly exact: Span
  /** From when to when, and the formula over P (heartbeat interval), M (misses), S (snapshot interval), D (init delay). */
  readonly formula: string
  /** Section of the toolkit reference that the formula comes from. */
  readonly rule: string
  /** What the bounds add to the formula. */
  readonly adds: string
}

/** How far reality can be from a formula at one end: ticks that drift and messages that travel on the way. */
interface Slack {
  readonly ticks?: number
  readonly transfers?: number
  /** More to take off, in milliseconds. */
  readonly lessMs?: number
}

/** A formula with what can add to it. */
export interface SpanInput {
  readonly exact: Span
  readonly early?: Slack
  readonly late?: Slack
  readonly formula: string
  readonly rule: string
}

/** Makes predicted spans with this tolerance. A Beacon's tick is never shorter than its period, but may be longer. */
export function spanner(tolerance: Tolerance): (input: SpanInput) => PredictedSpan {
  const { transferMs, schedulingMs, driftPerTickMs } = tolerance
  return ({ exact, early = {}, late = {}, formula, rule }) => {
    const parts = (slack: Slack): { drift: number; transfer: number; less: number } => ({
      drift: (slack.ticks ?? 0) * driftPerTickMs,
      transfer: (slack.transfers ?? 0) * transferMs,
      less: slack.lessMs ?? 0,
    })
    const words = ({ drift, transfer, less }: ReturnType<typeof parts>): string =>
      [
        ...(drift > 0 ? [`${formatMs(drift)} drift of the Beacon`] : []),
        ...(transfer > 0 ? [`${formatMs(transfer)} transfer`] : []),
        ...(less > 0 ? [`${formatMs(less)} for ticks that nearly coincide`] : []),
        `${formatMs(schedulingMs)} scheduling`,
      ].join(', ')
    const before = parts(early)
    const behind = parts(late)
    return {
      lowerMs: Math.max(0, exact.lowerMs - before.drift - before.transfer - before.less - schedulingMs),
      upperMs: exact.upperMs + behind.drift + behind.transfer + schedulingMs,
      exact,
      formula,
      rule,
      adds: `lower bound less ${words(before)}; upper bound plus ${words(behind)}`,
    }
  }
}

/** The span of work whose length the toolkit's rules do not say: from nothing to an assumed most. */
export function workSpan(mostMs: number, formula: string, rule: string): PredictedSpan {
  const adds = `upper bound plus ${formatMs(mostMs)} for the work, an assumption`
  return { lowerMs: 0, upperMs: mostMs, exact: { lowerMs: 0, upperMs: 0 }, formula, rule, adds }
}

/** One span after the other. */
export function succession(first: PredictedSpan, second: PredictedSpan, formula: string, rule: string): PredictedSpan {
  return {
    lowerMs: first.lowerMs + second.lowerMs,
    upperMs: first.upperMs + second.upperMs,
    exact: {
      lowerMs: first.exact.lowerMs + second.exact.lowerMs,
      upperMs: first.exact.upperMs + second.exact.upperMs,
    },
    formula,
    rule,
    adds: `${first.adds}; then ${second.adds}`,
  }
}
