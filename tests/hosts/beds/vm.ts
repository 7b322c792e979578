import { mkdtempSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually, formatMs, messageOf, now, Secret } from '../../../lib/core/index.ts'
import { newKeyPair, type HostSettings } from '../../../lib/hosts/index.ts'
import { DC, PORTS, type Bed, type MachineAddresses, type MachineName, type Machines } from './bed.ts'
import { keep } from './kept.ts'
import { must } from './namespaces.ts'
import { VM_CACHE } from './need.ts'
import { collectParts } from './parts.ts'
import { plainSsh, type PlainSsh } from './plain-ssh.ts'
import { machineMonitor, type MachineMonitor } from './qmp.ts'
import { sshdConfig } from './sshd-config.ts'

/** Two machines in a VM with Debian's stock kernel: `a` is the VM itself, `b` a network namespace in it. No systemd. */
export interface VmBed extends Bed {
  /**
   * Pulls the plug and puts it in again: no process is told, nothing is written to the disk. Resolves when sshd of both answers again.
   */
  reset(): Promise<void>
  /** Changes with each boot. */
  bootId(): Promise<string>
  /** A port of this machine that leads to one of machine a, by its management network, until the next reset. */
  forward(port: number): Promise<number>
  /** Files of the VM on this machine, its console's log among them. */
  readonly directory: string
  /** Milliseconds from the start of QEMU until sshd of both answered. */
  readonly bootMs: number
}

const ADDRESSES: Machines<MachineAddresses> = {
  a: { ipv4: '10.214.0.2', ipv6: 'fd00:fa11::2' },
  b: { ipv4: '10.214.0.3', ipv6: 'fd00:fa11::3' },
}
/** The VM's network cards: what QEMU calls each, and the network behind it. */
const CARDS = {
  a: { id: 'mgmt-a', network: '10.0.2.0/24', mac: '52:54:00:00:00:01', port: 22 },
  b: { id: 'mgmt-b', network: '10.0.3.0/24', mac: '52:54:00:00:00:02', port: 22 },
  bed: { id: 'bed', network: '10.0.4.0/24', mac: '52:54:00:00:00:03', port: 2222 },
} as const
const BOOT = '90s'
const MOST_BOOTS = 3
/** What the first process of the VM prints on the console at last. */
const UP = 'the bed is up'
const BED_FILE = (name: string): Buffer => readFileSync(new URL(name, import.meta.url))

/**
 * Boots a VM by software emulation, which takes some ten seconds. Everything in it but /mnt/state is gone after a reset. Needs
 * what `.ci/machine vm` prepares; no root.
 */
export async function startVmBed(): Promise<VmBed> {
  const from = now()
  const directory = mkdtempSync(join(tmpdir(), 'failover-vm-'))
  const parts = collectParts()
  try {
    const client = newKeyPair()
    const hostKeys = { a: newKeyPair(), b: newKeyPair(), bed: newKeyPair() }
    await makeInitrd(directory, {
      authorized_keys: `${client.publicKey}\n`,
      addresses: addressFile(),
      'start-sshd': START_SSHD,
      'answering-server.pl': BED_FILE('answering-server.pl'),
      ...Object.fromEntries(Object.entries(hostKeys).map(([name, key]) => [`${name}_key`, key.privateKey])),
      ...Object.fromEntries(
        Object.entries(CARDS).map(([name, { port }]) => [`${name}.sshd_config`, sshdConfig('/bed', { name, port })]),
      ),
    })
    const disk = join(directory, 'state.img')
    await must({ script: 'truncate -s 64M "$1" && mkfs.ext4 -q -F "$1"', args: [disk] })
    const log = join(directory, 'console.log')
    const qmp = join(directory, 'qmp')
    const ready = { readyLine: 'ready', within: '10s' } as const
    parts.use(
      await keep(['sh', '-c', 'echo ready; exec sleep infinity'], {
        ...ready,
        afterwards: { script: 'until rm -rf -- "$1"; do sleep 0.1; done', args: [directory] },
      }),
    )
    const powered = async (through: Ports) => {
      const words = qemu({ directory, disk, log, qmp }, through)
      const machine = await keep(['sh', '-c', 'echo ready; exec "$@"', 'sh', ...words], ready)
      return { machine, monitor: await connected(qmp) }
    }
    const unplug = async (): Promise<void> => {
      await power.monitor[Symbol.asyncDispose]()
      await power.machine[Symbol.asyncDispose]()
    }
    let power = await powered({})
    parts.defer(unplug)
    const ports = await forwardedPorts(power.monitor)
    const login = (name: keyof typeof CARDS): HostSettings['shell'] => ({
      kind: 'ssh',
      host: '127.0.0.1',
      port: ports[CARDS[name].id] ?? 0,
      username: 'root',
      privateKey: new Secret(client.privateKey),
      hostKeys: { fingerprints: [hostKeys[name].fingerprint] },
    })
    const bedSsh = bedConnection(login('bed'))
    parts.use(bedSsh)
    const loginTo = async (name: MachineName): Promise<void> => {
      const attempt = async () => {
        await using ssh = await plainSsh({ name: `machine ${name} of the VM`, shell: login(name) }, '30s')
        return { done: true, value: await ssh.run('true') } as const
      }
      await eventually(attempt, { within: '60s', every: '200ms', describe: `sshd of machine ${name}` })
    }
    const booted = async (): Promise<void> => {
      const consoleSays = async () => {
        const text = readFileSync(log, 'utf8')
        return text.includes(UP)
          ? ({ done: true, value: true } as const)
          : { done: false as const, seen: text.slice(-1000) }
      }
      for (let boot = 1; ; boot++) {
        try {
          await eventually(consoleSays, { within: BOOT, every: '50ms', describe: 'the VM to boot' })
          break
        } catch (error) {
          if (boot === MOST_BOOTS) throw error
          // An emulated machine that hangs while it boots says nothing of what is to be tested on it.
          process.stderr.write(`The VM is started once more: ${messageOf(error)}\n`)
          await unplug()
          power = await powered(ports)
        }
      }
      await loginTo('a')
      await loginTo('b')
    }
    await booted()
    const inside = (name: MachineName): readonly string[] => (name === 'a' ? [] : ['ip', 'netns', 'exec', 'peer'])
    const exec: Bed['exec'] = async (name, command, options) => {
      const words = 'script' in command ? ['sh', '-c', command.script, 'sh', ...(command.args ?? [])] : command
      return (await bedSsh.get()).run([...inside(name), ...words], options)
    }
    const bootId = async (): Promise<string> =>
      (await exec('a', ['cat', '/proc/sys/kernel/random/boot_id'])).stdout.trim()
    const cable = async (name: MachineName, up: boolean): Promise<void> =>
      void (await power.monitor.execute('set_link', { name: CARDS[name].id, up }))
    return {
      hosts: { a: host('a', login('a')), b: host('b', login('b')) },
      addresses: ADDRESSES,
      ports: PORTS,
      directory,
      bootMs: now() - from,
      exec,
      bootId,
      forward: (port) => forwardedPort(power.monitor, CARDS.a.id, port),
      cutManagement: (name) => cable(name, false),
      restoreManagement: (name) => cable(name, true),
      async killSshd(name) {
        await exec(name, { script: KILL_SSHD })
      },
      async startSshd(name) {
        await exec('a', ['/bed/start-sshd', name])
        await loginTo(name)
      },
      async reset() {
        const before = await bootId()
        await bedSsh.drop()
        // A reset by QEMU takes some emulated machines minutes to boot from, and others for ever; a new one does not.
        await unplug()
        power = await powered(ports)
        await booted()
        if ((await bootId()) === before) throw new Error('The VM was not reset.')
      },
      [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
    }
  } catch (error) {
    await parts[Symbol.asyncDispose]()
    throw new Error(`The VM did not start within ${formatMs(now() - from)}: ${messageOf(error)}`, { cause: error })
  }
}

function host(name: MachineName, shell: HostSettings['shell']): HostSettings {
  return {
    name: `${DC[name]}-${name}`,
    dc: DC[name],
    shell,
    aliases: [],
    addresses: [ADDRESSES[name].ipv4, ADDRESSES[name].ipv6],
    managementNetworks: [CARDS[name].network],
    networkInterface: 'eth0',
    leaseDirectory: `/mnt/state/${name}/leases`,
    snapshotDirectory: `/mnt/snapshots/${name}`,
  }
}

function addressFile(): string {
  const [a, b] = [ADDRESSES.a, ADDRESSES.b]
  return `A_IPV4=${a.ipv4}/28 A_IPV6=${a.ipv6}/64 B_IPV4=${b.ipv4}/28 B_IPV6=${b.ipv6}/64
PORTS='${Object.values(PORTS).join(' ')}'\n`
}

/** The cached root with the bed's own files laid over it. */
async function makeInitrd(directory: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  const overlay = join(directory, 'overlay')
  await mkdir(join(overlay, 'bed'), { recursive: true })
  for (const [name, content] of Object.entries(files))
    await writeFile(join(overlay, 'bed', name), content, { mode: name === 'start-sshd' ? 0o755 : 0o600 })
  await writeFile(join(overlay, 'init'), BED_FILE('vm-init.sh'), { mode: 0o755 })
  await copyFile(join(VM_CACHE, 'root.cpio.gz'), join(directory, 'initrd'))
  const append = 'cd "$1" && find . | cpio --quiet -o -H newc | gzip -1 >>"$2"'
  await must({ script: append, args: [overlay, join(directory, 'initrd')] })
}

/** Ports of this machine by the name of the card that they lead to. */
type Ports = Readonly<Record<string, number>>

/** Cards without a port get one from QEMU. */
function qemu(files: { directory: string; disk: string; log: string; qmp: string }, through: Ports): readonly string[] {
  const cards = Object.values(CARDS).flatMap(({ id, network, mac, port }) => [
    ...['-netdev', `user,id=${id},net=${network},restrict=on,hostfwd=tcp:127.0.0.1:${through[id] ?? 0}-:${port}`],
    ...['-device', `virtio-net-pci,netdev=${id},mac=${mac}`],
  ])
  return [
    ...['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-m', '1024', '-smp', '2'],
    ...['-kernel', join(VM_CACHE, 'vmlinuz'), '-initrd', join(files.directory, 'initrd')],
    ...['-append', 'console=ttyS0 rdinit=/init panic=1 random.trust_cpu=on'],
    ...['-drive', `file=${files.disk},if=virtio,format=raw`, '-device', 'virtio-rng-pci'],
    ...['-display', 'none', '-serial', `file:${files.log}`, '-qmp', `unix:${files.qmp},server=on,wait=off`],
    ...cards,
  ]
}

async function connected(path: string): Promise<MachineMonitor> {
  const attempt = async () => ({ done: true, value: await machineMonitor(path) }) as const
  return (await eventually(attempt, { within: '10s', every: '50ms', describe: 'the monitor of QEMU' })).value
}

/** The ports of this machine that lead into the VM, by the name of the card. QEMU chose them. */
async function forwardedPorts(monitor: MachineMonitor): Promise<Ports> {
  const told = String(await monitor.execute('human-monitor-command', { 'command-line': 'info usernet' }))
  const found = told.matchAll(/\((.+?)\):|TCP\[HOST_FORWARD\]\s+\S+\s+\S+\s+(\d+)/g)
  const ports: Record<string, number> = {}
  let card = ''
  for (const [, name, port] of found) {
    if (name !== undefined) card = name
    else ports[card] = Number(port)
  }
  for (const { id } of Object.values(CARDS)) {
    if (!ports[id]) throw new Error(`QEMU forwards no port to ${id}: ${told}`)
  }
  return ports
}

/** One more port of this machine that leads through a card. QEMU chooses it. */
async function forwardedPort(monitor: MachineMonitor, card: string, port: number): Promise<number> {
  const order = async (line: string): Promise<string> =>
    String(await monitor.execute('human-monitor-command', { 'command-line': line }))
  const refused = (await order(`hostfwd_add ${card} tcp:127.0.0.1:0-:${port}`)).trim()
  const told = await order('info usernet')
  const found = new RegExp(`TCP\\[HOST_FORWARD\\]\\s+\\S+\\s+\\S+\\s+(\\d+)\\s+\\S+\\s+${port}\\s`).exec(told)?.[1]
  if (refused !== '' || found === undefined)
    throw new Error(`QEMU forwards no port to ${port} of ${card}: ${refused} ${told}`)
  return Number(found)
}

/** The bed's own connection, opened when it is needed, and again when it was lost. */
function bedConnection(shell: HostSettings['shell']) {
  let open: PlainSsh | undefined
  let opening: Promise<PlainSsh> | undefined
  const connect = async (): Promise<PlainSsh> => {
    try {
      open = await plainSsh({ name: 'the VM', shell }, '20s')
      return open
    } finally {
      opening = undefined
    }
  }
  const drop = async (): Promise<void> => {
    await opening?.catch(() => undefined)
    await open?.[Symbol.asyncDispose]()
    open = undefined
  }
  return {
    get: async (): Promise<PlainSsh> => (open?.isLost === false ? open : (opening ??= connect())),
    drop,
    [Symbol.asyncDispose]: drop,
  }
}

const START_SSHD = `#!/bin/sh
# start-sshd a|b
in=
[ "$1" = a ] || in='ip netns exec peer'
exec $in /usr/sbin/sshd -f "/bed/$1.sshd_config" -E "/run/$1.sshd.log"
`
/** Daemon and sessions of the network namespace that this runs in. The bed's own daemon has another name. */
const KILL_SSHD = `own=$(readlink /proc/self/ns/net)
found=yes
while [ -n "$found" ]; do
  found=
  for process in /proc/[0-9]*; do
    name=
    read -r name 2>/dev/null <"$process/comm"
    [ "$name" = sshd ] && [ "$(readlink "$process/ns/net")" = "$own" ] || continue
    found=yes
    kill -KILL "\${process#/proc/}"
  done
done`
