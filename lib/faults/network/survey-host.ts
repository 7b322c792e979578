import type { FaultContext, HostName } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { familyOf, isHostName, normalAddress } from './address.ts'
import type {
  ControlFlow,
  FoundFilter,
  FoundQdisc,
  HostNetwork,
  NetworkTool,
  OwnAddress,
  PeerAddress,
  ToolFinding,
} from './host-network.ts'
import { SURVEY_SCRIPT } from './survey-script.ts'

/** What {@link surveyHost} asks about. */
export interface HostSurveyOptions {
  /** Names or addresses of the far side, as this host meets it. */
  readonly peers: readonly string[]
}

/**
 * Looks at the network of a host in one call, and changes nothing.
 * @throws FaultTargetError if a peer is neither an address nor a host name, or the host is controlled over SSH in a way that
 * cannot be told from other traffic; errors of the shell as they are
 */
export async function surveyHost(
  context: FaultContext,
  host: HostName,
  { peers }: HostSurveyOptions,
): Promise<HostNetwork> {
  for (const peer of peers) {
    if (familyOf(peer) !== undefined || isHostName(peer)) continue
    throw new FaultTargetError(`${JSON.stringify(peer)} is neither an address nor a host name.`, {
      remedy: 'Correct the address of the far side in the environment.',
    })
  }
  const result = await context
    .shell(host)
    .run({ script: SURVEY_SCRIPT, args: [...new Set(peers)] }, { within: '15s', signal: context.signal })
  const networks = context.environment.hosts.find(({ name }) => name === host)?.managementNetworks ?? []
  const rows = result.stdout.split('\n').map((line) => line.split('\t'))
  if (!rows.some(([what]) => what === 'end')) {
    throw new FaultTargetError(
      `The survey of the network of ${host} broke off: ${result.stderr.trim() || 'no reason'}.`,
      {
        remedy: 'Run a POSIX sh on that host; see what it says.',
      },
    )
  }
  return readSurvey(host, networks, rows)
}

type Rows = readonly (readonly string[])[]

/** Reads the rows of the survey. */
export function readSurvey(host: HostName, managementNetworks: readonly string[], rows: Rows): HostNetwork {
  const of = (what: string): Rows => rows.filter(([name]) => name === what).map(([, ...fields]) => fields)
  const tool = (name: NetworkTool): ToolFinding => toolOf(of('tool').find(([found]) => found === name))
  const restore = (name: NetworkTool): string | undefined => of('restore').find(([found]) => found === name)?.[1]
  return {
    host,
    isRoot: of('uid')[0]?.[0] === '0',
    tools: {
      nft: tool('nft'),
      iptables: withRestore(tool('iptables'), restore('iptables')),
      ip6tables: withRestore(tool('ip6tables'), restore('ip6tables')),
      tc: tool('tc'),
      ip: tool('ip'),
    },
    control: controlOf(host, of('control')[0]),
    managementNetworks,
    interfaces: of('link').flatMap(([line = '']) => /^\d+: ([^:@]+)[@:]/.exec(line)?.[1] ?? []),
    ownAddresses: of('addr').flatMap(([line = '']) => ownAddress(line)),
    peers: of('peer').map(peerOf),
    unresolved: of('unresolved').map(([given = '', problem = '']) => ({ given, problem })),
    qdiscs: of('qdisc').flatMap(([line = '']) => qdiscOf(line)),
    filters: { 4: filterOf('ip', of), 6: filterOf('ip6', of) },
  }
}

function filterOf(family: 'ip' | 'ip6', of: (what: string) => Rows): FoundFilter {
  const mine = (what: string): Rows => of(what).filter(([name]) => name === family)
  return {
    table: mine('filter').length > 0,
    chains: mine('chains').length > 0 ? mine('chain').flatMap(([, name = '']) => name) : undefined,
  }
}

function toolOf(fields: readonly string[] | undefined): ToolFinding {
  const [name = '', state, path, more = ''] = fields ?? []
  if (state === 'works' && path) return { works: true, path, version: more }
  if (state === 'fails' && path) return { works: false, path, problem: more || `${name} fails` }
  return { works: false, problem: 'is not installed' }
}

/** Rules are put in by the restore program, which belongs to the same package. */
function withRestore(tool: ToolFinding, restore: string | undefined): ToolFinding {
  if (!tool.works) return tool
  // The survey tests each program by itself; the plan derives the name of one from the path of the other.
  if (restore === `${tool.path}-restore`) return tool
  return { works: false, path: tool.path, problem: `there is no ${tool.path}-restore beside it` }
}

function controlOf(host: HostName, fields: readonly string[] | undefined): ControlFlow | undefined {
  if (!fields) return undefined
  const [client = '', clientPort, server = '', serverPort] = (fields[0] ?? '').split(' ')
  const flow = {
    clientAddress: normalAddress(client),
    clientPort: Number(clientPort),
    serverAddress: normalAddress(server),
    serverPort: Number(serverPort),
  }
  if (familyOf(flow.clientAddress) !== undefined && isPort(flow.clientPort) && isPort(flow.serverPort)) return flow
  throw new FaultTargetError(
    `${host} is controlled over SSH, but it does not tell from where: SSH_CONNECTION is ${JSON.stringify(fields.join(' '))}.`,
    { remedy: 'A fault could cut our own connection, so none is injected: let the SSH server set SSH_CONNECTION.' },
  )
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < 65_536
}

// 2: eth0    inet6 fd00::1/64 scope global \       valid_lft forever preferred_lft forever
function ownAddress(line: string): OwnAddress[] {
  const found = /^\d+: (\S+)\s+inet6? ([^\s/]+)/.exec(line)
  const address = normalAddress(found?.[2] ?? '')
  const family = familyOf(address)
  return found?.[1] !== undefined && family !== undefined ? [{ address, family, interface: found[1] }] : []
}

// 10.0.0.2 via 10.0.1.1 dev eth0 src 10.0.1.2 uid 0 \    cache
function peerOf([given = '', address = '', found = '', problem = '']: readonly string[]): PeerAddress {
  const normal = normalAddress(address)
  const family = familyOf(normal) ?? 4
  const word = (key: string): string | undefined => new RegExp(`(?:^|\\s)${key} (\\S+)`).exec(found)?.[1]
  const device = word('dev')
  const peer = { given, address: normal, family }
  if (found.startsWith('local ')) return { ...peer, route: 'local' }
  if (device === undefined) return { ...peer, route: { problem: problem || found || 'there is no route' } }
  const source = word('src')
  const gateway = word('via')
  return {
    ...peer,
    route: { interface: device, ...(source ? { source } : {}), ...(gateway ? { gateway } : {}) },
  }
}

// qdisc noqueue 0: dev lo root refcnt 2
function qdiscOf(line: string): FoundQdisc[] {
  const found = /^qdisc (\S+) (\S+) (?:dev (\S+) )?(?:parent (\S+)|(\S+))/.exec(line)
  if (!found) return []
  const [, kind = '', handle = '', device = '', parent, place = ''] = found
  return [{ interface: device, kind, handle, parent: parent ?? place, text: line.trim() }]
}
