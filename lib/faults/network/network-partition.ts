import { z } from 'zod'
import { nameOf, pairParam, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { cutMode } from './cut.ts'
import { cutSides } from './kernel-cut.ts'
import { confirmPaths, confirmPathsWhole, disposeCut, planCut, surveyCut } from './link-cut.ts'
import { cutOptions, withoutUndefined, type CutOptions } from './options.ts'
import { bothWays, numbersOf } from './paths.ts'

/** The network between the data centres is cut both ways. */
export const networkPartitionKind = defineFault({
  kind: 'network-partition',
  summary: 'The network between the data centres is cut both ways; clients reach both.',
  params: z.strictObject({ between: pairParam, mode: cutMode, ...cutOptions }),
  capabilities: ['links'],
  blastRadius: 'link',
  target: ({ between: [a, b], ports }) => `${a}↔${b}${ports ? ` (${ports.join(', ')})` : ''}`,
  affects: () => undefined,
  survey: (context, { between, ports, by }) =>
    surveyCut(context, {
      paths: bothWays(between, ports),
      onHosts: () =>
        cutSides(
          context,
          between,
          (dc, peers) => {
            if (!ports)
              return [
                { hook: 'in', peers },
                { hook: 'out', peers },
              ]
            const other = between[0] === dc ? between[1] : between[0]
            const { environment } = context
            const far = { side: 'far', numbers: numbersOf(environment, { from: dc, to: other, ports }) } as const
            const own = { side: 'own', numbers: numbersOf(environment, { from: other, to: dc, ports }) } as const
            return (['in', 'out'] as const).flatMap((hook) => [far, own].map((some) => ({ hook, peers, ports: some })))
          },
          by,
        ),
    }),
  plan: (context, { mode, ports }, facts) =>
    planCut(
      context,
      facts,
      mode,
      `Neither data centre reaches the other's ports${ports ? ` ${ports.join(', ')}` : ''}, on connections old and new.`,
    ),
  confirm: (context, { mode, between }, facts, injected) =>
    confirmPaths(context, facts, injected, { mode, dcs: between }),
  confirmHealed: (context, _params, facts) => confirmPathsWhole(context, facts),
  dispose: disposeCut,
})

/** Options of {@link networkPartition}. */
export interface PartitionOptions extends CutOptions {
  /** Default `blackhole`: what is sent is swallowed in silence. `reset` ends connections and refuses new ones. */
  readonly mode?: z.infer<typeof cutMode>
}

/**
 * Cuts the network between the data centres both ways, existing and new connections: in the embedded lab the links of the
 * failover toolkit, elsewhere every packet between the hosts, IPv4 and IPv6. With `ports` only TCP of those.
 */
export function networkPartition(a: DcRef, b: DcRef, options: PartitionOptions = {}): Fault {
  const { mode = 'blackhole', ...rest } = options
  return networkPartitionKind.with({ between: [nameOf(a), nameOf(b)], mode, ...withoutUndefined(rest) })
}
