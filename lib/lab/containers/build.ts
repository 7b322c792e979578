import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '../../bundle/index.ts'
import { newKeyPair } from '../../hosts/index.ts'
import { makeCertificates } from '../embedded/pki.ts'
import type { DcName } from '../embedded/protocol.ts'
import type { PortBlock } from '../embedded/supervisor/ports.ts'
import { APPS, describeHost, describeSite, linksTo, type HostFacts } from './describe.ts'
import { bootOf, filesOf, type InsidePlan } from './lab-plan.ts'
import { startMachine } from './machine.ts'
import { makeNetworks } from './networks.ts'
import { ownerLabel } from './owner.ts'
import { INSIDE, LAB_LABEL, OWNER_LABEL, PORTS, type ContainersFile } from './plan.ts'
import type { ContainerRuntime } from './runtime.ts'
import type { ContainerLab } from './types.ts'

const DCS: readonly DcName[] = ['east', 'west']
/** Room for snapshots: a fault that fills it up must not fill the disk of whoever runs the lab. */
const SNAPSHOT_MIB = 64

/** What the containers of a lab are made from. */
export interface BuildParts {
  readonly plan: ContainersFile
  readonly runtime: ContainerRuntime
  readonly image: string
  readonly inside: InsidePlan
  readonly ports: PortBlock
}

/** Makes networks and containers, and starts them. What was made when it fails is the watchdog's to remove. */
export async function buildLab(parts: BuildParts): Promise<Pick<ContainerLab, 'sites' | 'hosts' | 'links'>> {
  const { plan, runtime, image, inside, ports } = parts
  const { id } = plan
  const labels = { [LAB_LABEL]: id, [OWNER_LABEL]: ownerLabel() }
  const [networks, certificates, programs, apps] = await Promise.all([
    makeNetworks(runtime, id, labels),
    makeCertificates(DCS, runtime.host === '127.0.0.1' ? [] : [runtime.host]),
    programDirectories(),
    appFiles(),
    makeVolumes(runtime, id, labels),
  ])
  const userKey = newKeyPair()
  const machine = { runtime, image, labels }
  const facts = (dc: DcName): HostFacts => ({
    dc,
    inside,
    network: networks[dc],
    container: plan.containers[dc][0] ?? '',
    published: { host: runtime.host, ssh: ports.take(), management: ports.take(), data: ports.take() },
    userKey,
    hostKey: newKeyPair(),
    tls: certificates[dc],
  })
  const hosts = { east: facts('east'), west: facts('west') }
  const start = (dc: DcName): Promise<void> => {
    const { network, container, published, tls, hostKey } = hosts[dc]
    const peer = hosts[dc === 'east' ? 'west' : 'east']
    const boot = bootOf(dc, inside.plan, { tls, address: network.host(0), services: published })
    const keys = { hostKey: hostKey.privateKey, authorizedKey: userKey.publicKey }
    return startMachine({
      ...machine,
      role: 'host',
      name: container,
      hostname: inside.plan.hostNames[dc][0] ?? `${dc}-host`,
      networks: [{ id: network.id, address: network.host(0) }],
      routes: [{ subnet: peer.network.subnet, via: network.router }],
      ports: (['ssh', 'management', 'data'] as const).map((role) => ({
        container: role === 'ssh' ? PORTS.ssh : published[role],
        host: published[role],
      })),
      hostNames: inside.plan.hostNames[peer.dc].map((host) => ({ host, ipAddress: peer.network.host(0) })),
      files: [...filesOf(boot, inside.toolkit[dc], keys), ...apps],
      directories: programs,
      mounts: [
        { source: volumeOf(id, dc), target: INSIDE.snapshots },
        ...(plan.truthFile === null ? [] : [{ source: dirname(plan.truthFile), target: INSIDE.truth }]),
      ],
    })
  }
  const router = startMachine({
    ...machine,
    role: 'router',
    name: `failover-${id}-router`,
    hostname: 'router',
    networks: DCS.map((dc) => ({ id: networks[dc].id, address: networks[dc].router })),
    // It never loses its power: with it, what is in the volumes outlives that of the hosts.
    mounts: DCS.map((dc) => ({ source: volumeOf(id, dc), target: `/mnt/${dc}` })),
  })
  await Promise.all([router, ...DCS.map(start)])
  return {
    sites: { east: describeSite(hosts.east), west: describeSite(hosts.west) },
    hosts: DCS.map((dc) => describeHost(hosts[dc])),
    links: DCS.flatMap((dc) => linksTo(hosts[dc])),
  }
}

function volumeOf(id: string, dc: DcName): string {
  return `failover-${id}-${dc}-snapshots`
}

async function makeVolumes(
  runtime: ContainerRuntime,
  id: string,
  labels: Readonly<Record<string, string>>,
): Promise<void> {
  const options = { type: 'tmpfs', device: 'tmpfs', o: `size=${SNAPSHOT_MIB}m,mode=0700` }
  await Promise.all(
    DCS.map((dc) =>
      runtime.client.container.dockerode.createVolume({
        Name: volumeOf(id, dc),
        Driver: 'local',
        DriverOpts: options,
        Labels: { ...labels },
      }),
    ),
  )
}

/** The programs of a host, with where the host has them. */
async function programDirectories(): Promise<{ readonly source: string; readonly target: string }[]> {
  const entries = {
    host: './host.main.ts',
    site: '../embedded/site.main.ts',
    pe: '../embedded/pe.main.ts',
    ctl: '../embedded/ctl.main.ts',
  }
  return Promise.all(
    Object.entries(entries).map(async ([name, entry]) => {
      const program = await bundleProgram(fileURLToPath(new URL(entry, import.meta.url)))
      return { source: dirname(program), target: `${INSIDE.home}/programs/${name}` }
    }),
  )
}

async function appFiles(): Promise<{ readonly content: string; readonly target: string; readonly mode: number }[]> {
  return Promise.all(
    ['failover-app.sab', 'failover-passive.sab'].map(async (file) => ({
      content: await readFile(join(APPS, file), 'utf8'),
      target: `${INSIDE.home}/apps/${file}`,
      mode: 0o600,
    })),
  )
}
