import type { Checker } from './define-checker.ts'
import { duplicated } from './duplicated.ts'
import { integrity } from './integrity.ts'
import { late } from './late.ts'
import { lost } from './lost.ts'
import { order } from './order.ts'
import { phantom } from './phantom.ts'
import { prediction } from './prediction.ts'
import { reconvergence } from './reconvergence.ts'
import { rpo } from './rpo.ts'
import { rto } from './rto.ts'
import { splitBrain } from './split-brain.ts'
import { staleState } from './stale-state.ts'
import { stuckSplitBrain } from './stuck-split-brain.ts'
import { takeover } from './takeover.ts'
import { throughput } from './throughput.ts'
import { transformation } from './transformation.ts'

/** All checkers, in the order in which findings list them. */
export const CHECKERS: readonly Checker[] = Object.freeze([
  takeover,
  rto,
  rpo,
  lost,
  duplicated,
  order,
  integrity,
  phantom,
  late,
  transformation,
  staleState,
  splitBrain,
  stuckSplitBrain,
  reconvergence,
  throughput,
  prediction,
])

/** The checker of that name. */
export const byName = (name: string): Checker | undefined => CHECKERS.find((checker) => checker.name === name)
