import type { CheckContext } from './analysis.ts'
import type { Evidence } from './finding.ts'
import type { Timeline } from './timeline.ts'

/** A state of the pair as evidence. */
export function pairEvidence({ state, at, evidence }: Timeline['pairs'][number], context: CheckContext): Evidence {
  return { note: `the pair was in state ${state}${evidence ? ` (${evidence})` : ''}`, seen: context.interval(at) }
}
