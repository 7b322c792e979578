import { isIP } from 'node:net'
import { messageOf, type Duration } from '../core/index.ts'
import {
  AuthenticationError,
  HostKeyError,
  openShells,
  PrivilegeError,
  surveyTools,
  type HostSettings,
  type Shell,
} from '../hosts/index.ts'
import type { PreflightProblem, PreflightProblemKind } from './errors.ts'
import type { ResolvedEnvironment } from './resolved.ts'

/** What cannot be done on a host, although the drill can go on without it. */
export interface PreflightNote {
  readonly host: string
  /** One sentence: what is missing, and what it would enable. */
  readonly text: string
}

/** What the hosts of an environment are fit for. */
export interface HostFindings {
  readonly problems: readonly PreflightProblem[]
  readonly notes: readonly PreflightNote[]
}

interface Options {
  readonly within: Duration
  readonly signal?: AbortSignal | undefined
}

/** Tools of a host, any of each row, and what none of them rules out. */
const ENABLES = [
  { any: ['nft', 'iptables'], faults: 'partitions, port blocks and packet loss' },
  { any: ['tc'], faults: 'latency, jitter, corruption, duplication, reordering and bandwidth limits' },
  { any: ['ip'], faults: 'every fault on the network: the route to the peer cannot be looked up' },
  { any: ['setsid', 'perl'], faults: 'every fault: a lease has nothing to be watched by' },
] as const

/**
 * Checks every host that is reached over a network: login, host key, root, tools, lease directory, and that the names to which
 * the toolkit sends are the addresses of the peer's hosts. Changes nothing but the lease directory, which it makes.
 */
export async function checkHosts(environment: ResolvedEnvironment, options: Options): Promise<HostFindings> {
  const hosts = environment.hosts.filter(({ shell }) => shell.kind !== 'local')
  let shells: ReturnType<typeof openShells>
  try {
    shells = openShells(hosts)
  } catch (error) {
    const [host] = hosts
    return { problems: host ? [problemOf(error, host)] : [], notes: [] }
  }
  try {
    const found = await Promise.all(
      hosts.map(async (host): Promise<HostFindings> => {
        const shell = shells.byName[host.name]
        if (!shell) return { problems: [], notes: [] }
        try {
          return await checkHost(environment, host, shell, options)
        } catch (error) {
          return { problems: [problemOf(error, host)], notes: [] }
        }
      }),
    )
    return {
      problems: found.flatMap(({ problems }) => problems),
      notes: found.flatMap(({ notes }) => notes),
    }
  } finally {
    await shells[Symbol.asyncDispose]()
  }
}

async function checkHost(
  environment: ResolvedEnvironment,
  host: HostSettings,
  shell: Shell,
  options: Options,
): Promise<HostFindings> {
  const problems: PreflightProblem[] = []
  const at = (kind: PreflightProblemKind, field: string, problem: string, remedy: string): void => {
    problems.push({ kind, dc: host.dc, field: `hosts.${host.name}.${field}`, problem, remedy })
  }
  const uid = (await shell.run(['id', '-u'], options)).stdout.trim()
  if (uid !== '0') {
    const problem = `commands run as the user with the id ${uid || '(none)'}, not as root`
    at('host-privilege', 'sudo', problem, `Log in as root, or set ${prefix(host)}SUDO=true.`)
  }
  const lease = await shell.run({ script: LEASE_DIRECTORY, args: [host.leaseDirectory] }, options)
  if (lease.code !== 0) {
    const problem = `the lease directory ${host.leaseDirectory} cannot be written to: ${lease.stderr.trim() || `exit ${lease.code}`}`
    at('host-lease-directory', 'leaseDirectory', problem, `Set ${prefix(host)}HOST_LEASE_DIR to a directory with room.`)
  }
  const names = ENABLES.flatMap(({ any }) => [...any])
  const tools = await surveyTools(shell, names, options)
  const notes = ENABLES.filter(({ any }) => any.every((tool) => tools[tool] === undefined)).map(({ any, faults }) => ({
    host: host.name,
    text: `${host.name} lacks ${any.join(' and ')}, which would enable ${faults}`,
  }))
  for (const { name, found } of await targetsOf(environment, host, shell, options)) {
    const peers = environment.hosts.filter(({ dc }) => dc !== host.dc)
    const known = peers.flatMap(({ addresses }) => addresses)
    if (found.length === 0) {
      const problem = `${name}, to which the toolkit of ${host.dc} sends, cannot be resolved there`
      at('host-address', 'addresses', problem, 'Correct remoteDataCenterApplicationMachineNames, or the name service.')
    } else if (peers.length > 0 && !found.some((address) => known.includes(address))) {
      const problem = `${name}, to which the toolkit of ${host.dc} sends, is ${found.join(', ')} there, and no host of the other data centre has that address (${known.join(', ')})`
      const peer = peers[0] ?? host
      at('host-address', 'addresses', problem, `Add it to ${prefix(peer)}CROSS_DC_ADDRESSES.`)
    }
  }
  return { problems, notes }
}

/** The names that the toolkit of a host's data centre sends to, as that host resolves them; none where it cannot be asked. */
async function targetsOf(
  { toolkit, target }: ResolvedEnvironment,
  { dc }: HostSettings,
  shell: Shell,
  options: Options,
): Promise<readonly { readonly name: string; readonly found: readonly string[] }[]> {
  if (target === 'embedded') return []
  const names = toolkit[dc].remoteDataCenterApplicationMachineNames.map((name) => name.trim()).filter(Boolean)
  const resolved = await Promise.all(
    names.map(async (name) => {
      if (isIP(name) > 0) return { name, found: [name] }
      const said = await shell.run({ script: RESOLVE, args: [name] }, options)
      return said.code === 127 ? undefined : { name, found: [...new Set(said.stdout.split('\n').filter(Boolean))] }
    }),
  )
  return resolved.filter((one) => one !== undefined)
}

/** What went wrong with a host, in words of the one who set the environment up. */
function problemOf(cause: unknown, host: HostSettings): PreflightProblem {
  const at = (kind: PreflightProblemKind, field: string, name: string, remedy: string): PreflightProblem => ({
    kind,
    dc: host.dc,
    field: `hosts.${host.name}.${field}`,
    variable: `${prefix(host)}${name}`,
    problem: messageOf(cause).replace(/\.$/, ''),
    remedy,
    cause,
  })
  if (cause instanceof HostKeyError) {
    return at('host-key', 'shell.hostKeys', 'SSH_HOST_KEYS', 'Find out why it changed, and only then pin the new key.')
  }
  if (cause instanceof AuthenticationError) {
    return at('host-login', 'shell', 'SSH_KEY_FILE', 'Correct user, key or password of that host.')
  }
  if (cause instanceof PrivilegeError) {
    return at('host-privilege', 'sudo', 'SUDO', 'Let the user run sudo without a terminal, or give SUDO_PASSWORD.')
  }
  return at('host-unreachable', 'shell.host', 'HOSTS', 'Check address and port, and that sshd runs there.')
}

function prefix({ dc }: HostSettings): string {
  return `FAILOVER_${dc.toUpperCase()}_`
}

const LEASE_DIRECTORY = `umask 077; mkdir -p -- "$1" && f="$1/.writable.$$" && echo ok >"$f" && rm -f -- "$f"`
const RESOLVE = `command -v getent >/dev/null || exit 127; getent ahosts "$1" | { while read -r address rest; do echo "$address"; done; }`
