import { readVariables, type VariableSources } from '../environment/variables.ts'
import { CapabilityError } from './errors.ts'

/** Why a test was skipped: content of `task.meta.failoverSkip`. */
export interface SkipMeta {
  readonly capability: string
  readonly reason: string
}

declare module 'vitest' {
  interface TaskMeta {
    failoverSkip?: SkipMeta
  }
}

/** The part of a test's context that is needed to skip it. */
export interface SkippableContext {
  readonly task: { readonly meta: { failoverSkip?: SkipMeta } }
  skip(note?: string): never
}

/** The capabilities that `FAILOVER_REQUIRE` names (comma-separated), of which no lack may be skipped over; `all` names each. */
export function requiredCapabilities(sources: VariableSources = {}): ReadonlySet<string> {
  const value = readVariables(sources).found.get('FAILOVER_REQUIRE')?.value ?? ''
  const names = value.split(',').map((name) => name.trim().toLowerCase())
  return new Set(names.filter((name) => name !== ''))
}

/**
 * Skips the running test because its environment lacks a capability, with the reason that the summary counts; where
 * `FAILOVER_REQUIRE` names the capability (or says `all`), the test fails instead.
 * @throws CapabilityError if the capability is required
 */
export function requireOrSkip(
  context: SkippableContext,
  capability: string,
  reason: string,
  sources: VariableSources = {},
): never {
  const required = requiredCapabilities(sources)
  if (required.has('all') || required.has(capability.toLowerCase())) {
    throw new CapabilityError(`This spec needs ${capability}: ${reason}.`, {
      remedy: `Provide it, or take it out of FAILOVER_REQUIRE (${[...required].join(', ')}) to let the spec be skipped.`,
      details: { capability, reason },
    })
  }
  context.task.meta.failoverSkip = { capability, reason }
  return context.skip(`needs ${capability}: ${reason}`)
}
