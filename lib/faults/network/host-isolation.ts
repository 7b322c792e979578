import { z } from 'zod'
import type { DcName } from '../../history/index.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { FaultHost } from '../target.ts'
import { normalAddress } from './address.ts'
import { cutMode, type CutMode } from './cut.ts'
import type { Firewall } from './host-checks.ts'
import type { HostNetwork } from './host-network.ts'
import { cutHost } from './kernel-cut.ts'
import { confirmPaths, confirmPathsWhole, disposeCut, planCut, surveyCut, type CutGroups } from './link-cut.ts'
import { cutOptions, withoutUndefined } from './options.ts'
import { probeGroups, type PortPath, type ProbeGroup } from './paths.ts'
import { reachedFromHere } from './runner-access.ts'
import { farEnds } from './sides.ts'
import { surveyHost } from './survey-host.ts'

/** A host is cut off from everything but the control path. */
export const hostIsolationKind = defineFault({
  kind: 'host-isolation',
  summary: 'A host reaches nothing and nothing reaches it, but for the control path and the management networks.',
  params: z.strictObject({ host: z.string().min(1), mode: cutMode, by: cutOptions.by }),
  capabilities: ['links'],
  blastRadius: 'host',
  target: ({ host }) => host,
  affects: () => undefined,
  survey(context, { host, by }) {
    const { dc, addresses } = hostCalled(context, host)
    const other = otherOf(dc)
    const { environment } = context
    return surveyCut(context, {
      // The paths are what relays cut: there a data centre is one host.
      paths: [
        { from: other, to: dc },
        { from: dc, to: other },
        ...(environment.links.some(({ from, to }) => from === 'runner' && to === dc)
          ? [{ from: 'runner' as const, to: dc }]
          : []),
      ],
      async onHosts() {
        const network = await surveyHost(context, host, { peers: farEnds(environment, dc, other) })
        // Nobody is spared: all addresses, all protocols, IPv4 and IPv6 as far as the host has it.
        const hasIpv6 = network.ownAddresses.some(({ family, address }) => family === 6 && address !== '::1')
        const matches = [{ hook: 'in' }, { hook: 'out' }] as const
        return { hosts: [cutHost(dc, network, matches, by, hasIpv6 ? [4, 6] : [4])] }
      },
      groups: ({ hosts }) =>
        groupsOf(
          context,
          { dc, addresses, name: host },
          hosts.map(({ network }) => network),
        ),
    })
  },
  plan: (context, { host, mode }, facts) =>
    planCut(context, facts, mode, `${host} reaches nothing, and nothing reaches it but the control path.`),
  confirm: (context, { host, mode }, facts, injected) =>
    confirmPaths(context, facts, injected, { mode, dcs: [hostCalled(context, host).dc] }),
  confirmHealed: (context, _params, facts) => confirmPathsWhole(context, facts),
  dispose: disposeCut,
})

/** Options of {@link hostIsolation}. */
export interface IsolationOptions {
  /** Default `blackhole`. */
  readonly mode?: CutMode
  /** See {@link CutOptions.by}. */
  readonly by?: Firewall['kind']
}

/**
 * Cuts a host off from everything but the control path: all protocols, IPv4 and IPv6, both ways; what its own processes say to
 * each other over loopback goes on. In the embedded lab, whose data centres are one host each, all links of the data centre.
 */
export function hostIsolation(host: string, { mode, ...rest }: IsolationOptions = {}): Fault {
  return hostIsolationKind.with({ host, mode: mode ?? 'blackhole', ...withoutUndefined(rest) })
}

function otherOf(dc: DcName): DcName {
  return dc === 'east' ? 'west' : 'east'
}

function hostCalled({ environment }: Pick<FaultContext, 'environment'>, name: string): FaultHost {
  const found = environment.hosts.find((host) => host.name === name)
  if (found) return found
  throw new FaultTargetError(`The environment ${environment.name} has no host ${name}.`, {
    remedy: `Its hosts: ${environment.hosts.map((host) => host.name).join(', ') || 'none'}.`,
  })
}

/** What leads out of the host and to it: links, and its SSH server for every other host. */
function groupsOf(
  { environment }: FaultContext,
  { dc, name, addresses }: Pick<FaultHost, 'dc' | 'name' | 'addresses'>,
  networks: readonly HostNetwork[],
): CutGroups {
  const own = new Set(
    [...addresses, ...networks.flatMap((one) => one.ownAddresses.map(({ address }) => address))].map(normalAddress),
  )
  const other = otherOf(dc)
  const sides = { east: [], west: [], [dc]: networks }
  const ports: readonly PortPath[] = environment.links.map(({ from, to, port }) => ({ from, to, ports: [port] }))
  const groups = (wanted: (path: PortPath) => boolean): readonly ProbeGroup[] =>
    unique(ports.filter(wanted).flatMap((path) => probeGroups(environment, path, sides)))
  const toHost = (all: readonly ProbeGroup[]): readonly ProbeGroup[] =>
    all
      .map(({ what, candidates }) => ({
        what,
        candidates: candidates.filter(({ host }) => own.has(normalAddress(host))),
      }))
      .filter(({ candidates }) => candidates.length > 0)
  const fromHost = groups(({ from, to }) => from === dc && to === other)
    .map(({ what, candidates }) => ({ what, candidates: candidates.filter(({ vantage }) => vantage === name) }))
    .filter(({ candidates }) => candidates.length > 0)
  const ours = toHost(groups(({ from, to }) => from === 'runner' && to === dc))
  return {
    cut: [
      ...fromHost,
      ...toHost(groups(({ from, to }) => from === other && to === dc)),
      ...sshOf(environment.hosts, { dc, name, addresses }, networks),
      ...reachedFromHere(ours, networks, 'cut'),
    ],
    whole: reachedFromHere(ours, networks, 'exempt'),
  }
}

/** Every other host tries the SSH server, which says something to whoever connects. */
function sshOf(
  hosts: readonly FaultHost[],
  { dc, name, addresses }: Pick<FaultHost, 'dc' | 'name' | 'addresses'>,
  networks: readonly HostNetwork[],
): readonly ProbeGroup[] {
  const port = networks[0]?.control?.serverPort
  if (port === undefined || addresses.length === 0) return []
  return hosts
    .filter((other) => other.name !== name)
    .map((other) => ({
      what: `SSH of ${name} from ${other.name}`,
      isOptional: true,
      candidates: addresses.map((host) => ({
        id: `${other.name}: SSH of ${name} at ${host}`,
        vantage: other.name,
        from: other.dc,
        to: dc,
        host,
        port,
        request: 'http' as const,
      })),
    }))
}

function unique(groups: readonly ProbeGroup[]): readonly ProbeGroup[] {
  return [...new Map(groups.map((group) => [group.what, group])).values()]
}
