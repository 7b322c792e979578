import { chmodSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import type { Duration } from '../core/index.ts'
import type { HostSettings } from '../hosts/index.ts'
import { EnvironmentError, type ConfigurationProblem } from './errors.ts'
import { resolveAddresses } from './live-hosts.ts'
import { readLiveDc, type LiveDc } from './live.ts'
import type { BlastRadius, Capability, DcName, LinkAddress, ResolvedEnvironment } from './resolved.ts'
import type { EnvironmentDeclaration } from './schema.ts'
import { VARIABLES } from './variable-table.ts'
import { valueOf, variable, type Variables } from './variables.ts'

/** What a declaration gives of a resolved environment, whatever the target. */
export type Common = Pick<
  ResolvedEnvironment,
  'name' | 'mode' | 'objectives' | 'contract' | 'operatorPrefix' | 'safety' | 'predictionTolerance'
>

const ON_HOSTS: readonly Capability[] = ['processes', 'links', 'packets', 'resources']

/**
 * An environment of real sites, from variables and files alone. Nothing of a site is called.
 * @throws EnvironmentError that lists everything that is missing or wrong
 */
export async function resolveLive(
  declared: EnvironmentDeclaration,
  common: Common,
  variables: Variables,
  problems: ConfigurationProblem[],
  leaseDirectory: string | undefined,
): Promise<ResolvedEnvironment> {
  const east = readLiveDc('east', declared, variables, problems)
  const west = readLiveDc('west', declared, variables, problems)
  const overridden = overrides(common, variables, problems)
  for (const { name } of VARIABLES.filter((candidate) => candidate.scope === 'lab')) {
    const found = variables.found.get(name)
    if (!found) continue
    problems.push({
      field: name,
      origin: found.origin,
      problem: 'is set, and the target is live: it is about the labs',
      remedy: 'Remove it, or set FAILOVER_TARGET to embedded or containers.',
    })
  }
  const hosts = await resolveAddresses([...(east?.hosts ?? []), ...(west?.hosts ?? [])], variables, problems)
  problems.push(...namesTwice(hosts))
  if (problems.length > 0 || !east || !west) throw new EnvironmentError(declared.name, problems)
  const hasPower = east.connection.power !== undefined && west.connection.power !== undefined
  const hasHosts = east.hosts.length > 0 && west.hosts.length > 0
  return {
    ...common,
    ...overridden,
    target: 'live',
    timeScale: 1,
    dcs: { east: east.connection, west: west.connection },
    toolkit: { east: east.toolkit, west: west.toolkit },
    hosts,
    links: [...linksTo('east', { east, west }, hosts), ...linksTo('west', { east, west }, hosts)],
    capabilities: ['management', 'data', ...(hasPower ? (['power'] as const) : []), ...(hasHosts ? ON_HOSTS : [])],
    leaseDirectory: leaseDirectory ?? ownTemporary('failover-leases'),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

/** Objectives and safety as variables say. */
function overrides(
  { objectives, safety }: Common,
  variables: Variables,
  problems: ConfigurationProblem[],
): Pick<ResolvedEnvironment, 'objectives' | 'safety' | 'restore'> {
  const typed = <T>(name: string): T | undefined =>
    valueOf(variables, variable(name), variable(name).schema as z.ZodType<T>, problems)
  const given = <K extends string, T>(key: K, value: T | undefined): { readonly [key in K]?: T } =>
    (value === undefined ? {} : { [key]: value }) as { readonly [key in K]?: T }
  return {
    ...(typed<'none' | 'restart'>('FAILOVER_RESTORE') === 'restart' ? { restore: 'restart' } : {}),
    objectives: {
      ...objectives,
      ...given('rto', typed<Duration>('FAILOVER_RTO')),
      ...given('rejoin', typed<Duration>('FAILOVER_REJOIN')),
      rpo: {
        ...objectives.rpo,
        ...given('tuples', typed<number>('FAILOVER_RPO_TUPLES')),
        ...given('stateAge', typed<Duration>('FAILOVER_RPO_STATE_AGE')),
      },
    },
    safety: {
      ...safety,
      ...given('allow', typed<BlastRadius[]>('FAILOVER_ALLOW')),
      ...given('maxFaults', typed<number>('FAILOVER_MAX_FAULTS')),
      ...given('leaseTtl', typed<Duration>('FAILOVER_LEASE_TTL')),
      ...given('production', typed<boolean>('FAILOVER_PRODUCTION')),
    },
  }
}

function namesTwice(hosts: readonly HostSettings[]): ConfigurationProblem[] {
  return hosts
    .filter(({ name }, i) => hosts.findIndex((other) => other.name === name) < i)
    .map(({ name, dc }) => ({
      field: `hosts.${name}`,
      dc,
      problem: `both data centres have a host ${name}`,
      remedy: 'Names of hosts are unique in an environment: rename one, and give the name that REST knows as an alias.',
    }))
}

/** The paths that lead to a data centre: to the toolkit's ports on the hosts that its peer sends to, and to its services. */
function linksTo(to: DcName, dcs: Readonly<Record<DcName, LiveDc>>, hosts: readonly HostSettings[]): LinkAddress[] {
  const from = to === 'east' ? 'west' : 'east'
  const own = hosts.filter(({ dc }) => dc === to)
  const sentTo = own.filter((host) => namesOf(host).some((name) => targetsOf(dcs[from]).includes(name)))
  const receivers = (sentTo.length > 0 ? sentTo : own).flatMap(({ addresses }) => addresses)
  const services = dcs[to].connection
  return [
    ...receivers.flatMap((host, h) =>
      dcs[to].ports.map((listenPort, p): LinkAddress => {
        const port = p === 0 ? 'heartbeat' : 'snapshot'
        const more = [h > 0 ? `${h + 1}` : '', p > 1 ? `${p}` : ''].filter((part) => part !== '')
        return { id: [from, to, port, ...more].join('-'), from, to, port, host, listenPort }
      }),
    ),
    ...(['management', 'data'] as const).map((port): LinkAddress => {
      const { hostname, port: given, protocol } = new URL(services[port].url)
      const listenPort = given === '' ? (protocol === 'https:' ? 443 : 80) : Number(given)
      return {
        id: `runner-${to}-${port}`,
        from: 'runner',
        to,
        port,
        host: hostname.replace(/^\[|\]$/g, ''),
        listenPort,
      }
    }),
  ]
}

/** The names that a data centre's toolkit sends to. */
function targetsOf({ toolkit }: LiveDc): readonly string[] {
  return toolkit.remoteDataCenterApplicationMachineNames
}

function namesOf({ name, aliases, addresses, shell }: HostSettings): readonly string[] {
  return [name, ...aliases, ...addresses, ...(shell.kind === 'ssh' ? [shell.host] : [])]
}

/** A directory of this user's own under the system's temporary one. */
function ownTemporary(name: string): string {
  const directory = join(tmpdir(), `${name}-${process.getuid?.() ?? userInfo().username}`)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // It may have been there with other rights; if it is not ours this throws.
  chmodSync(directory, 0o700)
  return directory
}
