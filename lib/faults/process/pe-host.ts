import type { DcName } from '../../history/index.ts'
import type { Pe } from '../../streams/index.ts'
import type { FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { FaultHost } from '../target.ts'

/**
 * The host of the environment that runs a PE: the one whose name, alias or address is what the management API calls the PE's host.
 * Where it calls it otherwise, the only host of the data centre it is.
 * @throws FaultTargetError with what the API says, and what hosts there are
 */
export async function hostOfPe(context: FaultContext, dc: DcName, pe: Pe): Promise<FaultHost> {
  const hosts = context.environment.hosts.filter((host) => host.dc === dc)
  const links = [pe.resource, pe.host, pe.resourceAllocation].flatMap((link) => (link ? [link] : []))
  const inLinks = unique(links.map(lastSegment))
  const byLink = matching(hosts, inLinks)
  if (byLink[0] && byLink.length === 1) return byLink[0]
  const [only] = hosts
  if (only && hosts.length === 1) return only

  const names = unique([...inLinks, ...(await namesOfResource(context, dc, links))])
  const found = matching(hosts, names)
  if (found[0] && found.length === 1) return found[0]

  const known = hosts.map(({ name, aliases }) => (aliases.length > 0 ? `${name} (${aliases.join(', ')})` : name))
  const which = found.length > 1 ? `: ${found.map(({ name }) => name).join(' and ')} are both called so` : ''
  throw new FaultTargetError(
    `PE ${pe.id} at ${dc} runs on ${names.join(' = ') || 'no host'} by REST, and the environment does not tell which host that is${which}. Its hosts at ${dc}: ${known.join(', ') || 'none'}.`,
    { remedy: 'Give one of these hosts that name among its aliases.' },
  )
}

/** How the management API names the host that links lead to. */
async function namesOfResource(context: FaultContext, dc: DcName, links: readonly string[]): Promise<string[]> {
  const all = await context.clients[dc].management.hosts({ signal: context.signal })
  const ends = links.map(lastSegment)
  return all
    .filter(({ self, id }) => links.includes(self) || ends.includes(id))
    .flatMap((host) => [host.id, host.displayName, host.name, host.ipAddress])
    .flatMap((name) => (typeof name === 'string' && name !== '' ? [name] : []))
}

function matching(hosts: readonly FaultHost[], names: readonly string[]): FaultHost[] {
  const wanted = names.map((name) => name.toLowerCase())
  return hosts.filter(({ name, aliases, addresses }) =>
    [name, ...aliases, ...addresses].some((own) => wanted.includes(own.toLowerCase())),
  )
}

function lastSegment(link: string): string {
  const segment =
    link
      .replace(/[/?#]+$/, '')
      .split('/')
      .at(-1) ?? ''
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
