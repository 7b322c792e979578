import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostSettings } from '../hosts/index.ts'
import type { ContainerHost, ContainerLab, ContainerLabOptions } from '../lab/containers/index.ts'
import { resolveConfiguration } from '../toolkit/index.ts'
import type { Common } from './resolve-live.ts'
import type { Capability, DcConnection, DcName, ResolvedEnvironment } from './resolved.ts'
import type { EnvironmentDeclaration } from './schema.ts'

/** What a container lab is started with. */
export type ContainerSettings = Pick<
  ContainerLabOptions,
  'toolkit' | 'parameters' | 'defects' | 'timeScale' | 'mode' | 'baseImage' | 'signal'
> & { readonly labDirectory?: string }

/** What hosts with root and a kernel of their own network offer; what a kernel lacks, the kinds of faults say. */
const CAPABILITIES: readonly Capability[] = [
  'power',
  'processes',
  'links',
  'packets',
  'resources',
  'management',
  'data',
]

/**
 * Starts a container lab for an environment.
 * @throws ContainersUnavailableError where there is no Docker; ContainerLabError where the lab cannot start
 */
export async function resolveContainers(
  declared: EnvironmentDeclaration,
  common: Common,
  options: ContainerSettings,
  leaseDirectory: string | undefined,
): Promise<ResolvedEnvironment> {
  // Loaded only where a lab is wanted: live runs have no use for it.
  const { startContainerLab } = await import('../lab/containers/index.ts')
  const temporary = options.labDirectory === undefined ? mkdtempSync(join(tmpdir(), 'failover-lab-')) : undefined
  const directory = options.labDirectory ?? temporary ?? ''
  const { labDirectory: _, toolkit, parameters, ...rest } = options
  const mode = options.mode ?? declared.mode
  let lab: ContainerLab
  try {
    lab = await startContainerLab({
      ...rest,
      directory,
      ephemeral: temporary !== undefined,
      mode,
      toolkit: { ...declared.toolkit.both, ...toolkit },
      toolkitOf: { east: declared.toolkit.east, west: declared.toolkit.west },
      parameters: { ...declared.application.parameters, ...parameters },
      onProgress: (line) => process.stderr.write(`${line}\n`),
    })
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
    throw error
  }
  const connection = (dc: DcName): DcConnection => {
    const { username, password, ca, domain, instance, managementUrl, dataUrl, application } = lab.sites[dc]
    const credentials = { username, password, tls: { ca } }
    return {
      dc,
      label: dc,
      management: { url: managementUrl, ...credentials },
      data: { url: dataUrl, ...credentials },
      domain,
      instance,
      application: {
        job: application.jobName,
        bundle: application.bundle,
        parameters: application.parameters,
        operators: declared.application.operators,
      },
      power: { off: [...lab.control, 'power', 'off', dc], on: [...lab.control, 'power', 'on', dc] },
    }
  }
  const configuration = (dc: DcName) => {
    const { configurationText: fileText, parameters: submission } = lab.sites[dc]
    return resolveConfiguration({ fileText, submission })
  }
  const { truthFile, defects, timeScale } = lab
  return {
    ...common,
    mode,
    target: 'containers',
    timeScale,
    dcs: { east: connection('east'), west: connection('west') },
    toolkit: { east: configuration('east'), west: configuration('west') },
    hosts: lab.hosts.map(hostSettings),
    links: lab.links,
    capabilities: CAPABILITIES,
    leaseDirectory: leaseDirectory ?? join(lab.directory, 'leases'),
    labFacts: { directory: lab.directory, defects, timeScale, ...(truthFile === undefined ? {} : { truthFile }) },
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  }
}

function hostSettings({ name, dc, aliases, ssh, ...known }: ContainerHost): HostSettings {
  const { addresses, leaseDirectory, snapshotDirectory } = known
  const { fingerprint, ...server } = ssh
  return {
    name,
    dc,
    aliases,
    shell: { kind: 'ssh', ...server, hostKeys: { fingerprints: [fingerprint] } },
    addresses,
    // The runner is a client like any other; what it needs to heal, SSH, is exempt from every fault.
    managementNetworks: [],
    leaseDirectory,
    snapshotDirectory,
  }
}
