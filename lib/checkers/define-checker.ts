import { messageOf, type Verdict } from '../core/index.ts'
import type { Analysis, CheckContext } from './analysis.ts'
import type { Evidence, Finding, Json } from './finding.ts'

/** What a check concludes; the checker's name is added to it. */
export interface Conclusion {
  readonly verdict: Verdict
  /** One sentence for a reader who did not write the spec. */
  readonly summary: string
  /** False when there was nothing to judge; then the verdict must be `inconclusive`. Default true. */
  readonly applies?: boolean
  readonly detail?: { readonly [key: string]: Json }
  readonly evidence?: readonly Evidence[]
}

/** A pure judgement on a drill. */
export interface Checker {
  readonly name: string
  /** What it looks for, in one sentence: for the documentation. */
  readonly describe: string
  readonly check: (analysis: Analysis, context: CheckContext) => Finding
}

/**
 * Defines a checker. Its check must be pure; if it throws, the finding is inconclusive and carries the error.
 *
 * @example
 * ```ts
 * export const nothingSent = defineChecker({
 *   name: 'nothing-sent',
 *   describe: 'Traffic was sent at all.',
 *   check: ({ ledger }) =>
 *     ledger.sent > 0
 *       ? { verdict: 'pass', summary: 'There was traffic.' }
 *       : { verdict: 'inconclusive', summary: 'There was no traffic.' },
 * })
 * ```
 */
export function defineChecker(definition: {
  readonly name: string
  readonly describe: string
  readonly check: (analysis: Analysis, context: CheckContext) => Conclusion
}): Checker {
  const { name, describe } = definition
  return Object.freeze({
    name,
    describe,
    check: (analysis: Analysis, context: CheckContext): Finding => {
      try {
        const { verdict, summary, applies = true, detail = {}, evidence = [] } = definition.check(analysis, context)
        // What did not apply cannot have passed.
        return { name, verdict: applies ? verdict : 'inconclusive', applies, summary, detail, evidence }
      } catch (error) {
        return {
          name,
          verdict: 'inconclusive',
          applies: true,
          summary: `The check ${name} broke off: ${messageOf(error)}`,
          detail: { error: messageOf(error) },
          evidence: [],
        }
      }
    },
  })
}
