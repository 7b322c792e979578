import { z } from 'zod'
import type { Verdict } from '../core/index.ts'
import type { Classification } from './schema.ts'

/** Whose failure a verdict is, when nothing but the findings is known. A fault that could not be done is the environment's. */
export function classifyFindings(verdict: Verdict, faultFailed: boolean): Classification {
  if (verdict === 'pass') return 'none'
  if (verdict === 'fail') return 'product'
  return faultFailed ? 'environment' : 'inconclusive'
}

/** What can be told from an error of a test. Errors of this library carry a `code`; the rest is told by name and message. */
export interface ReportedError {
  readonly name?: string | undefined
  readonly message: string
  readonly code?: string | undefined
}

const errorSchema = z.object({ name: z.string().optional(), message: z.string(), code: z.string().optional() })

/** An error as Vitest hands it to reporters. */
export function reportedError(error: unknown): ReportedError {
  const parsed = errorSchema.safeParse(error)
  return parsed.success ? parsed.data : { message: String(error) }
}

/**
 * Codes that say whose failure it is; a code that begins with a prefix counts. What a drill misses by assertion is the product's,
 * and the rest (a TypeError in a spec, a fixture used wrongly) is the tool's.
 */
const BY_CODE: readonly (readonly [prefix: string, Classification])[] = [
  ['FAILOVER_INCONCLUSIVE', 'inconclusive'],
  ['FAILOVER_ABORTED', 'inconclusive'],
  ['FAILOVER_FAULT_NOT_CONFIRMED', 'inconclusive'],
  ['FAILOVER_CONFIGURATION', 'environment'],
  ['FAILOVER_ENVIRONMENT', 'environment'],
  ['FAILOVER_CAPABILITY', 'environment'],
  ['FAILOVER_FAULT_', 'environment'],
  ['FAILOVER_LEASE_', 'environment'],
  ['FAILOVER_COMMAND_', 'environment'],
  ['FAILOVER_HOST', 'environment'],
  ['FAILOVER_LAB', 'environment'],
  ['STREAMS_', 'environment'],
]

/** Facts about a drill whose test failed. */
export interface FailureContext {
  readonly errors: readonly unknown[]
  /** The drill's own verdict, if it got as far. */
  readonly verdict: Verdict | undefined
  /** A fault was confirmed: what comes too late from then on is the product's. */
  readonly faultConfirmed: boolean
}

/** Whose failure a failed test is. Several errors count with the first that tells. */
export function classifyFailure({ errors, verdict, faultConfirmed }: FailureContext): Classification {
  const all = errors.map(reportedError)
  const first = all[0]
  if (!first) return classifyFindings(verdict ?? 'inconclusive', false)
  for (const [prefix, classification] of BY_CODE) {
    if (first.code?.startsWith(prefix)) return classification
  }
  if (first.code === 'FAILOVER_DRILL') return classifyFindings(verdict ?? 'inconclusive', false)
  if (first.code === 'FAILOVER_TIMEOUT') return faultConfirmed ? 'product' : 'environment'
  // Failures of added matchers have no name of their own, only the hint line that all matchers begin with.
  if (first.name === 'AssertionError' || first.message.startsWith('expect(')) return 'product'
  if (/^(Test|Hook) timed out in \d+ms/.test(first.message)) return 'inconclusive'
  return 'tool'
}
