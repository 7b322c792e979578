import { z } from 'zod'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { cutMode } from './cut.ts'
import { cutSides } from './kernel-cut.ts'
import { confirmPaths, confirmPathsWhole, disposeCut, planCut, surveyCut } from './link-cut.ts'
import type { PartitionOptions } from './network-partition.ts'
import { cutOptions, withoutUndefined } from './options.ts'
import { numbersOf } from './paths.ts'

/** Connections from one data centre to the other are cut; those of the other direction work. */
export const oneWayPartitionKind = defineFault({
  kind: 'one-way-partition',
  summary: 'Connections from one data centre to the other are cut; the other direction works.',
  params: z
    .strictObject({ from: dcParam, to: dcParam, mode: cutMode, ...cutOptions })
    .refine(({ from, to }) => from !== to, 'from and to must be two different data centres'),
  capabilities: ['links'],
  blastRadius: 'link',
  target: ({ from, to, ports }) => `${from}→${to}${ports ? ` (${ports.join(', ')})` : ''}`,
  affects: () => undefined,
  survey(context, { from, to, ports, by }) {
    const path = { from, to, ...(ports ? { ports } : {}) }
    return surveyCut(context, {
      paths: [path],
      onHosts() {
        // Who opened a connection is told by its ports: those of `to` are known.
        const numbers = numbersOf(context.environment, path)
        return cutSides(
          context,
          [from, to],
          (dc, peers) =>
            (['in', 'out'] as const).map((hook) => ({
              hook,
              peers,
              ports: { side: dc === from ? 'far' : 'own', numbers },
            })),
          by,
        )
      },
    })
  },
  plan: (context, { from, to, mode, ports }, facts) =>
    planCut(
      context,
      facts,
      mode,
      `${from} does not reach the ports ${ports ? `${ports.join(', ')} ` : ''}of ${to}; ${to} reaches those of ${from}.`,
    ),
  confirm: (context, { from, to, mode }, facts, injected) =>
    confirmPaths(context, facts, injected, { mode, dcs: [from, to] }),
  confirmHealed: (context, _params, facts) => confirmPathsWhole(context, facts),
  dispose: disposeCut,
})

/**
 * Cuts the connections that one data centre opens to the other; the other direction works. On hosts these are told by the ports
 * that they lead to: those of the environment's links, or `ports`.
 */
export function oneWayPartition({ from, to, mode, ...rest }: { from: DcRef; to: DcRef } & PartitionOptions): Fault {
  return oneWayPartitionKind.with({
    from: nameOf(from),
    to: nameOf(to),
    mode: mode ?? 'blackhole',
    ...withoutUndefined(rest),
  })
}
