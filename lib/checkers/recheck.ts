import { findingsText, HistoryError, readFindings } from '../history/index.ts'
import { analyse } from './analyse.ts'
import type { DrillFindings } from './finding.ts'

/** What a recheck found. */
export interface Recheck {
  readonly directory: string
  readonly findings: DrillFindings
  /** True if `drill.json` is, byte for byte, what the record gives now. */
  readonly identical: boolean
  /** Where they differ, as `findings[3].verdict: "pass" stored, "fail" now`; at most 20. Empty if only the layout differs. */
  readonly differences: readonly string[]
}

/**
 * Computes all findings of a finished drill again from its files, and compares them with those stored.
 * @throws HistoryError if the record or `drill.json` is missing; CorruptHistoryError
 */
export async function recheck(directory: string): Promise<Recheck> {
  const stored = readFindings(directory)
  if (stored === undefined) {
    throw new HistoryError(`There are no stored findings in ${directory}: drill.json is missing.`, {
      remedy: 'The drill was not finished; analyse it instead.',
    })
  }
  const findings = await analyse(directory)
  const text = findingsText(findings)
  const differences: string[] = []
  if (text !== stored) compare('', parsed(stored), JSON.parse(text) as unknown, differences)
  return { directory, findings, identical: text === stored, differences: differences.slice(0, 20) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return '(not JSON)'
  }
}

function compare(path: string, stored: unknown, now: unknown, differences: string[]): void {
  if (Object.is(stored, now)) return
  if (!isRecord(stored) || !isRecord(now) || Array.isArray(stored) !== Array.isArray(now)) {
    differences.push(`${path || 'all'}: ${brief(stored)} stored, ${brief(now)} now`)
    return
  }
  for (const key of new Set([...Object.keys(stored), ...Object.keys(now)])) {
    const inner = Array.isArray(stored) ? `${path}[${key}]` : path ? `${path}.${key}` : key
    compare(inner, stored[key], now[key], differences)
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function brief(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
