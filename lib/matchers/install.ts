import { expect } from 'vitest'
import type { Duration } from '../core/index.ts'
import { assessChecks, type CheckMatcher } from './checks.ts'
import { assess, conclude, type MatcherResult } from './conclude.ts'
import { DELIVERY_MATCHERS } from './delivery.ts'
import { PAIR_MATCHERS } from './pair.ts'
import { assessPrediction } from './prediction.ts'
import { asDrill, asTakeover } from './received.ts'
import { assessRpo } from './rpo.ts'
import { assessRto } from './rto.ts'
import { assessStateLoss } from './state.ts'
import type { RpoObjective } from './subject.ts'

/** Vitest sets `isNot` only where `.not` was asked, whatever its types say. */
interface MatcherThis {
  readonly isNot?: boolean | undefined
}

/** Teaches Vitest's `expect` all matchers of this library. Called by the setup file of every environment's project. */
export function installMatchers(): void {
  expect.extend({
    toMeetRto(this: MatcherThis, received: unknown, objective?: Duration) {
      const drill = asDrill('toMeetRto', received)
      return assess(drill, this.isNot === true, (findings) => assessRto(drill, findings, objective))
    },
    toMeetRpo(this: MatcherThis, received: unknown, objective?: RpoObjective) {
      const drill = asDrill('toMeetRpo', received)
      return assess(drill, this.isNot === true, (findings) => assessRpo(drill, findings, objective))
    },
    toLoseItsState(this: MatcherThis, received: unknown) {
      const drill = asDrill('toLoseItsState', received)
      const isNot = this.isNot === true
      return assess(drill, isNot, (findings) => assessStateLoss(drill, findings, isNot))
    },
    toMatchPrediction(this: MatcherThis, received: unknown) {
      return conclude(assessPrediction(asTakeover('toMatchPrediction', received)), this.isNot === true)
    },
    ...Object.fromEntries(
      [...DELIVERY_MATCHERS, ...PAIR_MATCHERS].map((definition) => [definition.matcher, checkMatcher(definition)]),
    ),
  })
}

function checkMatcher(definition: CheckMatcher): (this: MatcherThis, received: unknown) => Promise<MatcherResult> {
  return function (received) {
    return assessChecks(definition, asDrill(definition.matcher, received), this.isNot === true)
  }
}
