import { z } from 'zod'
import type { DcName } from '../../history/index.ts'
import { nameOf, pairParam, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { confirmCut, confirmWhole, disposePaths, planOnPaths, surveyPaths, type Path } from './links.ts'

/** How a link is cut: `blackhole` swallows all in silence, `reset` ends connections. */
export const cutMode = z.enum(['blackhole', 'reset'])

/** The network between the data centres is cut both ways. */
export const networkPartitionKind = defineFault({
  kind: 'network-partition',
  summary: 'The network between the data centres is cut both ways; clients reach both.',
  params: z.strictObject({ between: pairParam, mode: cutMode }),
  capabilities: ['links'],
  blastRadius: 'link',
  target: ({ between: [a, b] }) => `${a}↔${b}`,
  affects: () => undefined,
  survey: (context, { between }) => surveyPaths(context, bothWays(between)),
  plan: (context, { between, mode }) =>
    planOnPaths(
      context,
      bothWays(between),
      ['cut', '--mode', mode],
      `Neither data centre reaches the other's ports, on connections old and new.`,
    ),
  confirm: (context, { between }, facts, injected) =>
    confirmCut(context, facts, injected, { cut: bothWays(between), whole: [] }),
  confirmHealed: (context, { between }) => confirmWhole(context, bothWays(between)),
  dispose: disposePaths,
})

/** Options of {@link networkPartition}. */
export interface PartitionOptions {
  /** Default `blackhole`: what is sent is swallowed in silence. `reset` ends connections and refuses new ones. */
  readonly mode?: z.infer<typeof cutMode>
}

/** Cuts the network between the data centres both ways: heartbeat and snapshot ports, existing and new connections. */
export function networkPartition(a: DcRef, b: DcRef, options: PartitionOptions = {}): Fault {
  return networkPartitionKind.with({ between: [nameOf(a), nameOf(b)], mode: options.mode ?? 'blackhole' })
}

function bothWays([a, b]: readonly [DcName, DcName]): readonly Path[] {
  return [
    { from: a, to: b },
    { from: b, to: a },
  ]
}
