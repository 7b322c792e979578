import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { GenericContainer } from 'testcontainers'
import { z } from 'zod'
import { eventually, messageOf, Secret } from '../../../lib/core/index.ts'
import {
  newKeyPair,
  type KeyPair,
  type Command,
  type HostSettings,
  type RunOptions,
  type RunResult,
} from '../../../lib/hosts/index.ts'
import { labImage } from '../../../lib/lab/containers/image.ts'
import { openRuntime, type ContainerRuntime } from '../../../lib/lab/containers/runtime.ts'
import { DC, MACHINES, PORTS, type Bed, type MachineAddresses, type MachineName, type Machines } from './bed.ts'
import { keep } from './kept.ts'
import { must, outputOf, runHere } from './namespaces.ts'
import { collectParts } from './parts.ts'
import { plainSsh } from './plain-ssh.ts'
import { KILL_SSHD, sshdConfig } from './sshd-config.ts'

/** Two machines as containers, with NET_ADMIN and nothing else beyond Docker's defaults. */
export interface ContainerBed extends Bed {
  /** Ids of the containers. */
  readonly containers: Machines<string>
  /** The same machine, reached through Docker instead of SSH. */
  readonly throughDocker: (name: MachineName) => HostSettings
}

const LABEL = 'streams-failover.bed'
const TRIES = 40

/**
 * Starts two containers of the container lab's image, with a network between them (IPv4 and IPv6, `eth1`) beside Docker's own
 * bridge (`eth0`), over which SSH comes. All is removed with the bed, or with this process. Needs root and a daemon on this machine.
 */
export async function startContainerBed(): Promise<ContainerBed> {
  const id = randomBytes(4).toString('hex')
  const parts = collectParts()
  try {
    const runtime = await openRuntime()
    const image = await labImage(runtime)
    parts.use(
      await keep(['sh', '-c', 'echo ready; exec sleep infinity'], {
        readyLine: 'ready',
        within: '10s',
        afterwards: { script: REMOVE, args: [`${LABEL}=${id}`] },
      }),
    )
    const network = await makeNetwork(runtime, id)
    const management = await managementNetworks(runtime)
    const client = newKeyPair()
    const hostKeys = { a: newKeyPair(), b: newKeyPair() }
    const start = async (name: MachineName): Promise<Container> => {
      const container = await startContainer(image, id, name, { client, host: hostKeys[name] })
      await runtime.client.container.dockerode.getNetwork(network.id).connect({
        Container: container.id,
        EndpointConfig: {
          IPAMConfig: { IPv4Address: network.addresses[name].ipv4, IPv6Address: network.addresses[name].ipv6 },
        },
      })
      return container
    }
    const [a, b] = await Promise.all([start('a'), start('b')])
    const containers = { a, b }
    const exec = (name: MachineName, command: Command, options?: Partial<RunOptions>): Promise<RunResult> =>
      runHere(['docker', 'exec', '-i', containers[name].id, ...wordsIn(command)], options)
    const mustIn = async (name: MachineName, command: Command): Promise<string> =>
      outputOf(await exec(name, command), command)

    const host = (name: MachineName, shell: HostSettings['shell']): HostSettings => ({
      name: `${DC[name]}-${name}`,
      dc: DC[name],
      shell,
      aliases: [],
      addresses: [network.addresses[name].ipv4, network.addresses[name].ipv6],
      managementNetworks: management,
      networkInterface: 'eth1',
      leaseDirectory: '/mnt/state/leases',
      snapshotDirectory: '/mnt/snapshots',
    })
    const overSsh = (name: MachineName): HostSettings =>
      host(name, {
        kind: 'ssh',
        host: containers[name].address,
        username: 'root',
        privateKey: new Secret(client.privateKey),
        hostKeys: { fingerprints: [hostKeys[name].fingerprint] },
      })
    const startSshd = async (name: MachineName): Promise<void> => {
      await mustIn(name, ['/usr/sbin/sshd', '-f', '/bed/sshd_config', '-E', '/run/sshd.log'])
      const attempt = async () => {
        await using ssh = await plainSsh(overSsh(name))
        return { done: true, value: await ssh.run('true') } as const
      }
      await eventually(attempt, { within: '20s', every: '50ms', describe: `sshd of ${name}` })
    }
    for (const name of MACHINES) {
      await mustIn(name, { script: START_SERVER, args: Object.values(PORTS).map(String) })
      await startSshd(name)
    }
    await Promise.all([answering(exec, 'a', network.addresses.b), answering(exec, 'b', network.addresses.a)])
    return {
      hosts: { a: overSsh('a'), b: overSsh('b') },
      addresses: network.addresses,
      ports: PORTS,
      containers: { a: a.id, b: b.id },
      throughDocker: (name) => host(name, { kind: 'container', container: containers[name].id }),
      exec,
      cutManagement: (name) => must({ script: CABLE, args: [containers[name].id, 'nomaster'] }).then(() => undefined),
      restoreManagement: (name) =>
        must({ script: CABLE, args: [containers[name].id, 'master', 'docker0'] }).then(() => undefined),
      async killSshd(name) {
        await mustIn(name, { script: KILL_SSHD })
      },
      startSshd,
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    }
  } catch (error) {
    await parts[Symbol.asyncDispose]()
    throw error
  }
}

interface Container {
  readonly id: string
  /** On Docker's own bridge. */
  readonly address: string
}

async function startContainer(
  image: string,
  id: string,
  name: MachineName,
  keys: { readonly client: KeyPair; readonly host: KeyPair },
): Promise<Container> {
  const file = (target: string, content: string) => ({ target: `/bed/${target}`, content, mode: 0o600 })
  const container = await new GenericContainer(image)
    .withName(`failover-bed-${id}-${name}`)
    .withHostname(`${DC[name]}-${name}`)
    .withLabels({ [LABEL]: id })
    .withEntrypoint(['bash', '-c', FIRST_PROCESS])
    .withNetworkMode('bridge')
    .withAddedCapabilities('NET_ADMIN')
    .withTmpFs({ '/mnt/state': 'rw,size=32m,mode=700', '/mnt/snapshots': 'rw,size=32m,mode=755' })
    .withCopyContentToContainer([
      file('sshd_config', sshdConfig('/bed')),
      file('host_key', keys.host.privateKey),
      file('authorized_keys', `${keys.client.publicKey}\n`),
      file('answering-server.pl', readFileSync(new URL('answering-server.pl', import.meta.url), 'utf8')),
    ])
    .withAutoCleanup(false)
    .start()
  return { id: container.getId(), address: container.getIpAddress('bridge') }
}

/** A network with room for two, that nothing else on this machine has. */
async function makeNetwork(
  runtime: ContainerRuntime,
  id: string,
): Promise<{ readonly id: string; readonly addresses: Machines<MachineAddresses> }> {
  let said = ''
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const [third = 0, fourth = 0] = randomBytes(2)
    const v4 = (host: number): string => `10.215.${third}.${(fourth & 0xf0) + host}`
    const v6 = (host: number | ''): string => `fd00:fa12:0:${third.toString(16)}${fourth.toString(16)}::${host}`
    try {
      const network = await runtime.client.container.dockerode.createNetwork({
        Name: `failover-bed-${id}`,
        Labels: { [LABEL]: id },
        EnableIPv6: true,
        IPAM: { Driver: 'default', Config: [{ Subnet: `${v4(0)}/28` }, { Subnet: `${v6('')}/64` }] },
        Options: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' },
      })
      const machine = (host: number): MachineAddresses => ({ ipv4: v4(host), ipv6: v6(host) })
      return { id: network.id, addresses: { a: machine(2), b: machine(3) } }
    } catch (error) {
      said = messageOf(error)
      if (!/overlap|pool/i.test(said)) break
    }
  }
  throw new Error(`The network of the bed could not be made: ${said}`)
}

/** Waits until a machine gets answers from the other by IPv4 and IPv6, whose address the kernel first makes sure is unique. */
async function answering(exec: Bed['exec'], from: MachineName, to: MachineAddresses): Promise<void> {
  for (const address of [to.ipv4, to.ipv6]) {
    const ask = async () => {
      const { code, stderr } = await exec(from, ['bash', '-c', ASK, 'bash', address, String(PORTS.data)])
      return code === 0 ? ({ done: true, value: true } as const) : ({ done: false, seen: stderr } as const)
    }
    await eventually(ask, { within: '20s', every: '50ms', describe: `an answer of ${address} to ${from}` })
  }
}

function wordsIn(command: Command): readonly string[] {
  return 'script' in command ? ['sh', '-c', command.script, 'sh', ...(command.args ?? [])] : command
}

const FIRST_PROCESS = `mkdir -p /run/sshd
sed -i 's/^root:[^:]*:/root:*:/' /etc/shadow
trap '' CHLD
exec sleep infinity`
const START_SERVER = 'setsid perl /bed/answering-server.pl "$@" </dev/null >/run/server.log 2>&1 &'
const ASK = 'exec 3<>"/dev/tcp/$1/$2" && echo ping >&3 && read -r -t 2 answer <&3'
/** The cable between a container's eth0 and Docker's bridge: `$1` the container, then what to do with it. */
const CABLE = `set -e
container=$1; shift
index=$(docker exec "$container" cat /sys/class/net/eth0/iflink)
name=$(ip -o link | sed -n "s/^$index: \\([^@:]*\\).*/\\1/p")
ip link set "$name" "$@"`
const REMOVE = `docker ps -aq --filter "label=$1" | xargs -r docker rm -fv
docker network ls -q --filter "label=$1" | xargs -r docker network rm`

const inspected = z.object({ IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string().optional() })) }) })

/** Docker's own bridge, over which the containers are managed. */
async function managementNetworks(runtime: ContainerRuntime): Promise<string[]> {
  const bridge: unknown = await runtime.client.container.dockerode.getNetwork('bridge').inspect()
  const subnets = inspected.parse(bridge).IPAM.Config.map(({ Subnet }) => Subnet)
  return subnets.filter((subnet) => subnet !== undefined)
}
