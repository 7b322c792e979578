import { z } from 'zod'
import type { DcName } from '../../history/index.ts'
import type { HostName } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { FaultEnvironment, FaultLink } from '../target.ts'
import { familyOf, normalAddress } from './address.ts'
import type { HostNetwork } from './host-network.ts'
import { linksOf, usesRelays, type Path } from './links.ts'
import type { ProbePath } from './probe-paths.ts'
import { hostsOf, type Sides } from './sides.ts'

/** What a port is for. */
export const portRole = z.enum(['management', 'data', 'heartbeat', 'snapshot'])

/** A port of a data centre: what it is for, or its number. */
export const portParam = z.union([portRole, z.int().min(1).max(65_535)])

/** See {@link portParam}. */
export type PortName = z.infer<typeof portParam>

/** One direction between two parties, with ports also by number. */
export interface PortPath {
  readonly from: FaultLink['from']
  readonly to: DcName
  /** Default: all that the environment knows. */
  readonly ports?: readonly PortName[]
}

/** Both directions between two data centres. */
export function bothWays([a, b]: readonly [DcName, DcName], ports?: readonly PortName[]): readonly PortPath[] {
  const some = ports ? { ports } : {}
  return [
    { from: a, to: b, ...some },
    { from: b, to: a, ...some },
  ]
}

/**
 * A path whose ports are all known by what they are for, as relays need it.
 * @throws FaultTargetError for a number
 */
export function rolesOnly({ from, to, ports }: PortPath): Path {
  const roles = ports?.map((port) => {
    if (typeof port !== 'number') return port
    throw new FaultTargetError(`The embedded lab knows its ports by what they are for, not by the number ${port}.`, {
      remedy: `Name one of ${portRole.options.join(', ')}.`,
    })
  })
  return { from, to, ...(roles ? { ports: roles } : {}) }
}

/** The port numbers of a path. */
export function numbersOf({ links }: FaultEnvironment, path: PortPath): readonly number[] {
  const numbers = (path.ports ?? portRole.options).flatMap((port) =>
    typeof port === 'number'
      ? port
      : links
          .filter((link) => link.from === path.from && link.to === path.to && link.port === port)
          .map((link) => link.listenPort),
  )
  if (numbers.length > 0) return [...new Set(numbers)]
  // Says what is missing.
  return linksOf(links, rolesOnly(path)).map((link) => link.listenPort)
}

/** One thing to be reached, and the ways to try it: that one of them works shows that it is there. */
export interface ProbeGroup {
  readonly what: string
  /** Need not work before the fault; is measured if it does. */
  readonly isOptional?: boolean
  readonly candidates: readonly ProbePath[]
}

/**
 * The ways to try a path: on relays from this machine, else from every host of its data centre that has a shell, to every
 * address that such a host knows of the far side's port.
 */
export function probeGroups(environment: FaultEnvironment, path: PortPath, sides?: Sides): readonly ProbeGroup[] {
  const { from, to } = path
  const isRelay = usesRelays(environment)
  const vantages = from === 'runner' || isRelay ? ['runner'] : hostsOf(environment, from).map(({ name }) => name)
  const networks = from === 'runner' ? [] : (sides?.[from] ?? [])
  return vantages.flatMap((vantage) =>
    targetsOf(environment, path).map(({ id, role, host, port }) => {
      const network = networks.find((one) => one.host === vantage)
      const at = isRelay ? [host] : addressesOf(environment, { to, host }, network)
      const candidate = (address: string): ProbePath => ({
        id: `${vantage === 'runner' ? '' : `${vantage}: `}${id}${at.length > 1 || address !== host ? ` at ${address}` : ''}`,
        vantage,
        from,
        to,
        ...(role ? { role } : {}),
        host: address,
        port,
        request: role === 'management' || role === 'data' ? 'tls' : 'http',
      })
      return {
        what: `${id} (${host}:${port})${vantage === 'runner' ? '' : ` from ${vantage}`}`,
        candidates: at.map(candidate),
      }
    }),
  )
}

interface Target {
  readonly id: string
  readonly role?: FaultLink['port']
  readonly host: string
  readonly port: number
}

function targetsOf({ links, hosts }: FaultEnvironment, path: PortPath): readonly Target[] {
  const { from, to, ports } = path
  const numbers = (ports ?? []).filter((port) => typeof port === 'number')
  const roles = ports?.filter((port) => typeof port !== 'number')
  const known = links.filter((link) => link.from === from && link.to === to)
  const places = new Set([
    ...known.map(({ host }) => host),
    ...hosts.filter(({ dc }) => dc === to).flatMap(({ addresses }) => addresses.slice(0, 1)),
  ])
  return [
    ...(roles?.length === 0
      ? []
      : linksOf(links, { from, to, ...(roles ? { ports: roles } : {}) }).map(({ id, port, host, listenPort }) => ({
          id,
          role: port,
          host,
          port: listenPort,
        }))),
    ...numbers.flatMap((port) => [...places].map((host) => ({ id: `${from}-${to}-${port}`, host, port }))),
  ]
}

/** The addresses behind a place of the far side: as the vantage resolves it, and the others of the same host. */
function addressesOf(
  { hosts }: FaultEnvironment,
  { to, host }: { readonly to: DcName; readonly host: string },
  network: HostNetwork | undefined,
): readonly string[] {
  const resolved = network?.peers.filter(({ given }) => given === host).map(({ address }) => address) ?? []
  const same = hosts.find(
    (one) =>
      one.dc === to &&
      one.addresses.some((address) => [host, ...resolved].map(normalAddress).includes(normalAddress(address))),
  )
  const all = [...(resolved.length > 0 ? resolved : [host]), ...(same?.addresses ?? [])]
  return [...new Set(all.map((address) => (familyOf(address) ? normalAddress(address) : address)))]
}

/** The names of hosts, for evidence. */
export function namesOf(networks: readonly HostNetwork[]): readonly HostName[] {
  return networks.map(({ host }) => host)
}
