import { z } from 'zod'
import type { DcName } from '../../history/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { Firewall } from './host-checks.ts'
import { cutMode, type CutMode } from './cut.ts'
import { cutHost, requireNotControl } from './kernel-cut.ts'
import { confirmPaths, confirmPathsWhole, disposeCut, planCut, surveyCut, type CutGroups } from './link-cut.ts'
import { cutOptions, withoutUndefined } from './options.ts'
import { numbersOf, portParam, probeGroups, type PortName, type PortPath } from './paths.ts'
import { reachedFromHere } from './runner-access.ts'
import { requireHosts, surveySides, type Sides } from './sides.ts'

/** A service port of a data centre is closed to everyone. */
export const portBlockKind = defineFault({
  kind: 'port-block',
  summary: 'A service port of a data centre is closed to everyone but the management networks.',
  params: z.strictObject({ dc: dcParam, port: portParam, mode: cutMode, by: cutOptions.by }),
  capabilities: ['links'],
  blastRadius: 'link',
  target: ({ dc, port }) => `${dc}:${port}`,
  affects: () => undefined,
  survey(context, { dc, port, by }) {
    const paths = pathsTo(context, dc, port)
    return surveyCut(context, {
      paths,
      async onHosts() {
        requireHosts(context.environment, [dc])
        const numbers = [...new Set(paths.flatMap((path) => numbersOf(context.environment, path)))]
        const sides = await surveySides(context, [dc, otherOf(dc)])
        const hosts = sides[dc].map((network) => {
          requireNotControl(network, numbers)
          const matches = (['in', 'out'] as const).map((hook) => ({ hook, ports: { side: 'own', numbers } }) as const)
          return cutHost(dc, network, matches, by)
        })
        return { sides, hosts }
      },
      groups: ({ sides }) => groupsTo(context, { dc, port }, paths, sides),
    })
  },
  plan: (context, { dc, port, mode }, facts) =>
    planCut(context, facts, mode, `The port ${port} of ${dc} answers nobody, on connections old and new.`),
  confirm: (context, { dc, mode }, facts, injected) => confirmPaths(context, facts, injected, { mode, dcs: [dc] }),
  confirmHealed: (context, _params, facts) => confirmPathsWhole(context, facts),
  dispose: disposeCut,
})

/** Options of {@link portBlock}. */
export interface PortBlockOptions {
  readonly dc: DcRef
  /** What the port is for, or its number (not in the embedded lab). */
  readonly port: PortName
  /** Default `blackhole`. */
  readonly mode?: CutMode
  /** See {@link CutOptions.by}. */
  readonly by?: Firewall['kind']
}

/**
 * Closes a service port of a data centre to everyone, this machine included: in the embedded lab its links, elsewhere TCP of that
 * port on every host of the data centre, except for its management networks.
 */
export function portBlock({ dc, mode, ...rest }: PortBlockOptions): Fault {
  return portBlockKind.with({ dc: nameOf(dc), mode: mode ?? 'blackhole', ...withoutUndefined(rest) })
}

function otherOf(dc: DcName): DcName {
  return dc === 'east' ? 'west' : 'east'
}

/** From where the port is reached: everyone that the environment has a link for, and by number from everywhere. */
function pathsTo({ environment }: FaultContext, dc: DcName, port: PortName): readonly PortPath[] {
  const from = ([otherOf(dc), 'runner'] as const).filter(
    (party) =>
      typeof port === 'number' ||
      environment.links.some((link) => link.from === party && link.to === dc && link.port === port),
  )
  if (from.length > 0) return from.map((party) => ({ from: party, to: dc, ports: [port] }))
  throw new FaultTargetError(`The environment knows no ${port} port of ${dc}.`, {
    remedy: `Give the port by its number, or name it in the environment's links.`,
  })
}

/** The other data centre's hosts must be cut off; this machine, too, unless the hosts let it through. */
function groupsTo(
  { environment }: FaultContext,
  { dc, port }: { readonly dc: DcName; readonly port: PortName },
  paths: readonly PortPath[],
  sides: Sides | undefined,
): CutGroups {
  const networks = sides?.[dc] ?? []
  const theirs = paths.filter(({ from }) => from !== 'runner').flatMap((path) => probeGroups(environment, path, sides))
  // By its number alone a port need not be reachable from here.
  const isAskedFromHere = typeof port !== 'number' || theirs.length === 0
  const ours = paths
    .filter(({ from }) => from === 'runner' && isAskedFromHere)
    .flatMap((path) => probeGroups(environment, path))
  const others = environment.links
    .filter((link) => link.to === dc && link.port !== port)
    .flatMap((link) => probeGroups(environment, { from: link.from, to: dc, ports: [link.port] }, sides))
  return {
    cut: [...theirs, ...reachedFromHere(ours, networks, 'cut')],
    whole: [...others, ...reachedFromHere(ours, networks, 'exempt')],
  }
}
