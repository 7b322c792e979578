import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { eventually, reveal, Secret, type Probe } from '../../../lib/core/index.ts'
import { newKeyPair, type KeyPair, type HostSettings } from '../../../lib/hosts/index.ts'
import { DC, MACHINES, PORTS, type Bed, type MachineName, type Machines } from './bed.ts'
import { collectParts } from './parts.ts'
import { must, startMachine, startNetwork, type Namespaces } from './namespaces.ts'
import { KILL_SSHD, sshdConfig } from './sshd-config.ts'
import { addressesOf, claimSlot, rootInterface, rootPort } from './wiring.ts'

/** Options of {@link startSshdBed}. */
export interface SshdBedOptions {
  /**
   * The network that SSH comes over. `management` (default): one of its own, which no fault touches. `data`: the one between the
   * machines, so that a fault there must exempt the SSH connection by itself.
   */
  readonly ssh?: 'management' | 'data'
}

/** A user beside root. `deploy` may run everything through sudo, `careful` after giving its password. */
export type BedUser = 'deploy' | 'careful'

/** Two machines as namespaces of this one, with real OpenSSH. */
export interface SshdBed extends Bed {
  /** How to log in as somebody else than root: by key, becoming root through sudo. */
  readonly hostAs: (user: BedUser, name: MachineName) => HostSettings
  /** Password of every user but root, for SSH and for sudo. */
  readonly password: Secret
  /** The key that every user accepts. */
  readonly clientKey: KeyPair
  readonly hostKeys: Machines<KeyPair>
}

const SERVER = readFileSync(new URL('answering-server.pl', import.meta.url), 'utf8')
/** Of the bed's users; free on a Debian machine. */
const UIDS: Readonly<Record<BedUser, number>> = { deploy: 64_801, careful: 64_802 }

/**
 * Starts two machines, joined by a switch: a network between them (IPv4 and IPv6, `eth0`), and a management network to this
 * machine (`mgmt0`). Each is made of namespaces that live as long as this process and the bed do; nothing is left when either
 * ends. Needs root.
 */
export async function startSshdBed(options: SshdBedOptions = {}): Promise<SshdBed> {
  const ssh = options.ssh ?? 'management'
  const parts = collectParts()
  try {
    const password = new Secret(randomBytes(9).toString('base64url'))
    const clientKey = newKeyPair()
    const hostKeys = { a: newKeyPair(), b: newKeyPair() }
    const users = await userFiles(password)
    const network = parts.use(await startNetwork())
    const slot = await claimSlot(network.pid)
    // The interface would go with the network, but later than anybody can wait for.
    parts.defer(async () => void (await must(['ip', 'link', 'del', rootInterface(slot)])))
    const addresses = addressesOf(slot)
    await network.must({ script: SWITCH, args: [rootPort(ssh)] })
    await must({ script: JOIN_ROOT, args: [rootInterface(slot), addresses.root[ssh]] })

    const machines: Record<MachineName, Namespaces> = {
      a: parts.use(await startMachine('east-a', users)),
      b: parts.use(await startMachine('west-b', users)),
    }
    for (const name of MACHINES) {
      const { pid } = machines[name]
      const { ipv4, ipv6, management } = addresses.machines[name]
      await plugIn(network, pid, { port: `data-${name}`, bridge: 'data', as: 'eth0', addresses: [ipv4, ipv6] })
      if (ssh === 'management') {
        await plugIn(network, pid, { port: `mgmt-${name}`, bridge: 'mgmt', as: 'mgmt0', addresses: [management] })
      }
      await writeFiles(machines[name], clientKey, hostKeys[name])
      await machines[name].must({ script: START_SERVER, args: Object.values(PORTS).map(String) })
    }

    const sshAddress = (name: MachineName): string => {
      const { ipv4, management } = addresses.machines[name]
      return withoutLength(ssh === 'management' ? management : ipv4)
    }
    const host = (name: MachineName, username: string): HostSettings => ({
      name: `${DC[name]}-${name}`,
      dc: DC[name],
      shell: {
        kind: 'ssh',
        host: sshAddress(name),
        port: 22,
        username,
        privateKey: new Secret(clientKey.privateKey),
        hostKeys: { fingerprints: [hostKeys[name].fingerprint] },
      },
      aliases: [],
      addresses: [withoutLength(addresses.machines[name].ipv4), withoutLength(addresses.machines[name].ipv6)],
      managementNetworks: ssh === 'management' ? [addresses.managementNetwork] : [],
      networkInterface: 'eth0',
      leaseDirectory: '/mnt/state/leases',
      snapshotDirectory: '/mnt/snapshots',
    })
    const startSshd = async (name: MachineName): Promise<void> => {
      await machines[name].must(['/usr/sbin/sshd', '-f', '/run/bed/sshd_config', '-E', '/run/bed/sshd.log'])
      await answering(sshAddress(name), 22)
    }
    await Promise.all(MACHINES.map(startSshd))
    await Promise.all(MACHINES.map((name) => listening(machines[name])))
    const cable = async (name: MachineName, how: readonly string[]): Promise<void> =>
      void (await network.must(['ip', 'link', 'set', `${ssh === 'management' ? 'mgmt' : 'data'}-${name}`, ...how]))
    return {
      hosts: { a: host('a', 'root'), b: host('b', 'root') },
      hostAs: (user, name) => ({ ...host(name, user), sudo: user === 'deploy' ? true : { password } }),
      addresses: {
        a: plain(addresses.machines.a),
        b: plain(addresses.machines.b),
      },
      ports: PORTS,
      password,
      clientKey,
      hostKeys,
      exec: (name, command, runOptions) => machines[name].run(command, runOptions),
      cutManagement: (name) => cable(name, ['nomaster']),
      restoreManagement: (name) => cable(name, ['master', rootPort(ssh)]),
      async killSshd(name) {
        await machines[name].must({ script: KILL_SSHD })
      },
      startSshd,
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    }
  } catch (error) {
    await parts[Symbol.asyncDispose]()
    throw error
  }
}

function plain({ ipv4, ipv6 }: { readonly ipv4: string; readonly ipv6: string }) {
  return { ipv4: withoutLength(ipv4), ipv6: withoutLength(ipv6) }
}

/** `10.0.0.1` of `10.0.0.1/24`. */
function withoutLength(address: string): string {
  return address.replace(/\/\d+$/, '')
}

async function userFiles(password: Secret): Promise<{ passwd: string; shadow: string; sudoers: string }> {
  const hash = await must({ script: HASH }, { stdin: reveal(password) })
  const users = Object.entries(UIDS)
  return {
    passwd: users.map(([user, uid]) => `${user}:x:${uid}:${uid}::/run/home/${user}:/bin/sh\n`).join(''),
    shadow: users.map(([user]) => `${user}:${hash}:19000:0:99999:7:::\n`).join(''),
    sudoers: 'deploy ALL=(ALL) NOPASSWD: ALL\ncareful ALL=(ALL) ALL\n',
  }
}

async function writeFiles(machine: Namespaces, client: KeyPair, host: KeyPair): Promise<void> {
  const files = {
    sshd_config: sshdConfig('/run/bed'),
    host_key: host.privateKey,
    authorized_keys: `${client.publicKey}\n`,
    'answering-server.pl': SERVER,
  }
  for (const [name, stdin] of Object.entries(files)) {
    await machine.must({ script: 'cat >"/run/bed/$1"', args: [name] }, { stdin })
  }
  await machine.must(['chmod', '600', '/run/bed/host_key'])
}

/** Puts a cable between the switch and a machine. */
async function plugIn(
  network: Namespaces,
  pid: number,
  cable: { readonly port: string; readonly bridge: string; readonly as: string; readonly addresses: readonly string[] },
): Promise<void> {
  const [switchPid, machinePid] = [String(network.pid), String(pid)]
  const link = ['ip', 'link', 'add', cable.as, 'netns', machinePid, 'type', 'veth', 'peer', 'name', cable.port]
  await must([...link, 'netns', switchPid])
  await network.must(['ip', 'link', 'set', cable.port, 'master', cable.bridge, 'up'])
  await must({ script: ADDRESS, args: [machinePid, cable.as, ...cable.addresses] })
}

/** Waits until something at an address says that it is an SSH server. */
async function answering(host: string, port: number): Promise<void> {
  await eventually(
    () =>
      new Promise<Probe<true>>((resolve) => {
        const socket = connect({ host, port })
        socket.setTimeout(1000, () => socket.destroy(new Error('silence')))
        socket.once('error', (error) => resolve({ done: false, seen: error.message }))
        socket.once('data', (data) => {
          socket.destroy()
          resolve(
            data.toString().startsWith('SSH-') ? { done: true, value: true } : { done: false, seen: String(data) },
          )
        })
      }),
    { within: '10s', every: '20ms', describe: `sshd at ${host}:${port}` },
  )
}

/** Waits until the answering server listens on all of its ports. */
async function listening(machine: Namespaces): Promise<void> {
  await eventually(
    async () => {
      const listed = await machine.must(['ss', '-Hltn'])
      const missing = Object.values(PORTS).filter((port) => !listed.includes(`:${port} `))
      return missing.length === 0 ? { done: true, value: true } : { done: false, seen: `no ${missing.join(', ')}` }
    },
    { within: '10s', every: '20ms', describe: 'the answering server' },
  )
}

const HASH = `perl -e 'chomp(my $word = <STDIN>); print crypt($word, q($6$failoverbed$))'`
const SWITCH = `set -e
for name in data mgmt; do
  ip link add "$name" type bridge mcast_snooping 0
  ip link set "$name" up
done
ip link set root master "$1" up`
const JOIN_ROOT = `set -e
ip addr add "$2" dev "$1"
ip link set "$1" up`
const ADDRESS = `set -e
pid=$1 name=$2; shift 2
for address; do
  case $address in
    *:*) nsenter -t "$pid" -n ip -6 addr add "$address" dev "$name" nodad ;;
    *) nsenter -t "$pid" -n ip addr add "$address" dev "$name" ;;
  esac
done
nsenter -t "$pid" -n ip link set "$name" up`
const START_SERVER = `setsid perl /run/bed/answering-server.pl "$@" </dev/null >/run/bed/server.log 2>&1 &`
