import type { Analysis } from '../analysis.ts'
import { byName, CHECKERS } from '../registry.ts'
import type { Gate } from '../finding.ts'
import { faultsConfirmed, faultsHealed } from './faults.ts'
import { eventLoop, lateness, saturation, workers } from './generator.ts'
import { endedRecord, taps, uninterrupted, wholeRecord } from './record.ts'
import { steadyBefore, trafficAfter, trafficBefore, trafficDuring } from './traffic.ts'
import type { GateDefinition } from './define-gate.ts'

/** All gates that are computed from a drill's record. */
export const GATES: readonly GateDefinition[] = Object.freeze([
  trafficBefore,
  trafficDuring,
  trafficAfter,
  steadyBefore,
  saturation,
  lateness,
  eventLoop,
  workers,
  faultsConfirmed,
  faultsHealed,
  taps,
  uninterrupted,
  wholeRecord,
  endedRecord,
])

/** Gates of a drill: those computed from its record, then those that were checked while it ran (the last of each name). */
export function gatesOf(analysis: Analysis, options: { readonly running: boolean }): readonly Gate[] {
  const computed = GATES.filter((gate) => !(options.running && gate === endedRecord)).flatMap(
    (gate) => gate.check(analysis) ?? [],
  )
  const recorded = new Map<string, Gate>()
  for (const { name, verdict, detail } of analysis.timeline.of('gate')) {
    recorded.set(name, { name, verdict, summary: detail, detail: {} })
  }
  for (const { check } of analysis.timeline.of('expectation')) {
    if (byName(check)) continue
    const known = CHECKERS.map(({ name }) => name).join(', ')
    const summary = `The spec expects something of a check ${JSON.stringify(check)}, which does not exist; there are ${known}.`
    recorded.set('expectations', { name: 'expectations', verdict: 'inconclusive', summary, detail: {} })
  }
  const merged = computed.map((gate) => {
    const other = recorded.get(gate.name)
    recorded.delete(gate.name)
    return other && other.verdict !== 'pass' ? other : gate
  })
  return [...merged, ...recorded.values()]
}
