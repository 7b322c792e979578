import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Secret } from '../../core/index.ts'
import type { KeyPair } from '../../hosts/index.ts'
import { siteFileTexts } from '../embedded/files.ts'
import type { LinkDescription } from '../embedded/index.ts'
import type { JobOrder, TlsMaterial } from '../embedded/plan.ts'
import type { DcName } from '../embedded/protocol.ts'
import type { InsidePlan } from './lab-plan.ts'
import type { DcNetwork } from './networks.ts'
import { INSIDE } from './plan.ts'
import type { ContainerHost, ContainerSite } from './types.ts'

/** The bundles of the example application, on this machine. */
export const APPS = fileURLToPath(new URL('../../../fixtures/apps', import.meta.url))

/** Ports of this machine that lead to a host. */
export interface Published {
  /** Where they are reached. */
  readonly host: string
  readonly ssh: number
  readonly management: number
  readonly data: number
}

/** What is known of a host once it runs. */
export interface HostFacts {
  readonly dc: DcName
  readonly inside: InsidePlan
  readonly published: Published
  readonly network: DcNetwork
  readonly container: string
  readonly hostKey: KeyPair
  readonly userKey: KeyPair
  readonly tls: TlsMaterial
}

/** A host as a runner reaches it. */
export function describeHost(facts: HostFacts): ContainerHost {
  const { dc, inside, published, network, container, hostKey, userKey } = facts
  const [name = `${dc}-host`, ...aliases] = inside.plan.hostNames[dc]
  return {
    name,
    dc,
    aliases,
    container,
    ssh: {
      host: published.host,
      port: published.ssh,
      username: 'root',
      privateKey: new Secret(userKey.privateKey),
      fingerprint: hostKey.fingerprint,
    },
    addresses: [network.host(0)],
    leaseDirectory: INSIDE.leases,
    snapshotDirectory: INSIDE.snapshots,
  }
}

/** A site as a runner reaches it. */
export function describeSite({ dc, inside, published, tls }: HostFacts): ContainerSite {
  const { domain, instance, username, password, configFile, application, first } = inside.plan.sites[dc]
  const files = siteFileTexts(INSIDE.disk, inside.toolkit[dc], [])
  const used = first.parameters['configFileName'] ?? configFile
  return {
    dc,
    managementUrl: `https://${published.host}:${published.management}/streams`,
    dataUrl: `https://${published.host}:${published.data}`,
    username,
    password: new Secret(password),
    ca: tls.ca,
    domain,
    instance,
    jobName: first.name,
    bundle: bundleHere(first),
    parameters: first.parameters,
    application: {
      jobName: application.name,
      bundle: bundleHere(application),
      parameters: application.parameters,
    },
    configFile,
    configurationText: files.find(({ path }) => path === used)?.text ?? '',
  }
}

/** The paths that lead to a data centre: from its peer by the real address, from here by the published ports. */
export function linksTo({ dc, inside, published, network }: HostFacts): LinkDescription[] {
  const peer = dc === 'east' ? 'west' : 'east'
  return [
    ...inside.plan.receiverPorts[dc].map((port, i): LinkDescription => ({
      id: `${peer}-${dc}-${i === 0 ? 'heartbeat' : 'snapshot'}${i > 1 ? `-${i - 1}` : ''}`,
      from: peer,
      to: dc,
      port: i === 0 ? 'heartbeat' : 'snapshot',
      host: network.host(0),
      listenPort: port,
    })),
    ...(['management', 'data'] as const).map((port): LinkDescription => ({
      id: `runner-${dc}-${port}`,
      from: 'runner',
      to: dc,
      port,
      host: published.host,
      listenPort: published[port],
    })),
  ]
}

/** The path on this machine of a bundle that a plan names by its path inside. */
export function bundleHere({ bundle }: JobOrder): string {
  return join(APPS, basename(bundle))
}
