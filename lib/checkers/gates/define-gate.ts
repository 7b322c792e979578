import { messageOf } from '../../core/index.ts'
import type { Analysis } from '../analysis.ts'
import type { Gate } from '../finding.ts'

/** A validity gate: what must be true for the verdicts of a drill to mean something. */
export interface GateDefinition {
  readonly name: string
  /** The gate, or undefined where the record says nothing about it. */
  readonly check: (analysis: Analysis) => Gate | undefined
}

/** What a gate says when it is or is not met. */
export type GateAnswer = Omit<Gate, 'name' | 'detail'> & { readonly detail?: Gate['detail'] }

/** Defines a gate; one that throws is not met. */
export function defineGate(name: string, check: (analysis: Analysis) => GateAnswer | undefined): GateDefinition {
  return Object.freeze({
    name,
    check: (analysis: Analysis): Gate | undefined => {
      try {
        const answer = check(analysis)
        return answer && { name, verdict: answer.verdict, summary: answer.summary, detail: answer.detail ?? {} }
      } catch (error) {
        const summary = `The gate ${name} broke off: ${messageOf(error)}`
        return { name, verdict: 'inconclusive', summary, detail: { error: messageOf(error) } }
      }
    },
  })
}
