import { z } from 'zod'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { confirmCut, confirmWhole, disposePaths, planOnPaths, surveyPaths } from './links.ts'
import { cutMode, type PartitionOptions } from './network-partition.ts'

/** Connections from one data centre to the other are cut; those of the other direction work. */
export const oneWayPartitionKind = defineFault({
  kind: 'one-way-partition',
  summary: 'Connections from one data centre to the other are cut; the other direction works.',
  params: z
    .strictObject({ from: dcParam, to: dcParam, mode: cutMode })
    .refine(({ from, to }) => from !== to, 'from and to must be two different data centres'),
  capabilities: ['links'],
  blastRadius: 'link',
  target: ({ from, to }) => `${from}→${to}`,
  affects: () => undefined,
  survey: (context, { from, to }) => surveyPaths(context, [{ from, to }]),
  plan: (context, { from, to, mode }) =>
    planOnPaths(
      context,
      [{ from, to }],
      ['cut', '--mode', mode],
      `${from} does not reach the ports of ${to}; ${to} reaches those of ${from}.`,
    ),
  confirm: (context, { from, to }, facts, injected) =>
    confirmCut(context, facts, injected, { cut: [{ from, to }], whole: [{ from: to, to: from }] }),
  confirmHealed: (context, { from, to }) =>
    confirmWhole(context, [
      { from, to },
      { from: to, to: from },
    ]),
  dispose: disposePaths,
})

/** Cuts the connections that one data centre opens to the other; the other direction works. */
export function oneWayPartition({ from, to, mode }: { from: DcRef; to: DcRef } & PartitionOptions): Fault {
  return oneWayPartitionKind.with({ from: nameOf(from), to: nameOf(to), mode: mode ?? 'blackhole' })
}
