import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { readConfiguration } from '../toolkit/index.ts'
import { declarationOn } from './define.ts'
import { EnvironmentError, type ConfigurationProblem } from './errors.ts'
import { resolveLive, type Common } from './resolve-live.ts'
import { resolveContainers, type ContainerSettings } from './resolve-containers.ts'
import type { HostSettings } from '../hosts/index.ts'
import type { Capability, DcConnection, DcName, ResolvedEnvironment, Target } from './resolved.ts'
import type { EnvironmentDeclaration } from './schema.ts'
import { chooseTarget } from './target.ts'
import { readVariables, valueOf, variable, type Variables, type VariableSources } from './variables.ts'

/** Options of {@link resolveEnvironment}. */
export interface ResolveOptions extends VariableSources {
  /** Default: what `FAILOVER_TARGET` says, else the embedded lab. */
  readonly target?: Target
  /** A directory for the lab alone, which stays when the lab ends. Default: a temporary one, removed at disposal. */
  readonly labDirectory?: string
  /** Laid over the toolkit configuration of a lab, for both data centres. */
  readonly toolkit?: Readonly<Record<string, string>>
  /** Laid over the submission parameters of a lab. */
  readonly parameters?: Readonly<Record<string, string>>
  /** For a lab; win over the variables. */
  readonly defects?: readonly string[]
  readonly timeScale?: number
  readonly mode?: 'active-active' | 'active-passive'
  readonly signal?: AbortSignal
}

const DCS: readonly DcName[] = ['east', 'west']

/**
 * Makes an environment ready to be connected to: starts a lab, or reads the variables of live sites. Nothing is broken, and
 * nothing of a site is called yet.
 * @throws EnvironmentError that lists every missing, half-given, misspelt and malformed variable at once
 */
export async function resolveEnvironment(
  environment: EnvironmentDeclaration,
  options: ResolveOptions = {},
): Promise<ResolvedEnvironment> {
  const variables = readVariables(options)
  const problems: ConfigurationProblem[] = [...variables.problems]
  const target = options.target ?? chooseTarget(variables, problems).target
  const declared = declarationOn(environment, target)
  const leaseDirectory = valueOf(variables, variable('FAILOVER_LEASE_DIR'), z.string(), problems)
  if (target === 'live') return resolveLive(declared, common(declared), variables, problems, leaseDirectory)

  const lab = labSettings(variables, problems)
  if (problems.length > 0) throw new EnvironmentError(environment.name, problems)
  const chosen = { ...lab, ...withoutUndefined(options) }
  if (target === 'containers')
    return resolveContainers(declared, common(declared), containerSettings(chosen), leaseDirectory)
  return resolveEmbedded(declared, chosen, leaseDirectory)
}

async function resolveEmbedded(
  declared: EnvironmentDeclaration,
  options: LabSettings & ResolveOptions,
  leaseDirectory: string | undefined,
): Promise<ResolvedEnvironment> {
  // Loaded only where a lab is wanted: live runs have no use for it.
  const { startEmbeddedLab } = await import('../lab/embedded/index.ts')
  const temporary = options.labDirectory === undefined ? mkdtempSync(join(tmpdir(), 'failover-lab-')) : undefined
  const directory = options.labDirectory ?? temporary ?? ''
  const { both, east, west } = declared.toolkit
  const mode = options.mode ?? declared.mode
  const { timeScale, defects, signal } = options
  const removeTemporary = (): void => {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true })
  }
  try {
    const lab = await startEmbeddedLab({
      directory,
      ephemeral: temporary !== undefined,
      mode,
      toolkit: { ...both, ...options.toolkit },
      toolkitOf: { east, west },
      parameters: { ...declared.application.parameters, ...options.parameters },
      ...withoutUndefined({ timeScale, defects, signal }),
    })
    const [eastToolkit, westToolkit] = await Promise.all(
      DCS.map((dc) => {
        const { configFile, parameters } = lab.sites[dc]
        // A passive side runs its watcher by a file of its own.
        return readConfiguration(parameters.configFileName ?? configFile, { submission: parameters })
      }),
    )
    if (!eastToolkit || !westToolkit) throw new RangeError('there are two data centres')
    const connection = (dc: DcName): DcConnection => {
      const site = lab.sites[dc]
      const { username, password, domain, instance } = site
      const credentials = { username, password, tls: { ca: site.ca } }
      return {
        dc,
        label: dc,
        management: { url: site.managementUrl, ...credentials },
        data: { url: site.dataUrl, ...credentials },
        domain,
        instance,
        application: {
          job: site.application.jobName,
          bundle: site.application.bundle,
          parameters: site.application.parameters,
          operators: declared.application.operators,
        },
        power: { off: [...lab.control, 'power', 'off', dc], on: [...lab.control, 'power', 'on', dc] },
      }
    }
    const { control, truthFile } = lab
    const leases = leaseDirectory ?? join(lab.directory, 'leases')
    const host = (dc: DcName): HostSettings => ({
      name: dc,
      dc,
      shell: { kind: 'local' },
      aliases: [],
      addresses: [],
      managementNetworks: [],
      leaseDirectory: leases,
      snapshotDirectory: join(lab.sites[dc].configFile, '..', '..', 'snapshots'),
    })
    const facts = { directory: lab.directory, truthFile, defects: lab.defects, timeScale: lab.timeScale }
    return {
      ...common(declared),
      mode,
      target: 'embedded',
      timeScale: lab.timeScale,
      dcs: { east: connection('east'), west: connection('west') },
      toolkit: { east: eastToolkit, west: westToolkit },
      hosts: [host('east'), host('west')],
      links: lab.links,
      capabilities: LAB_CAPABILITIES,
      leaseDirectory: leases,
      labFacts: facts,
      lab: { ...facts, control },
      async [Symbol.asyncDispose]() {
        await lab[Symbol.asyncDispose]()
        removeTemporary()
      },
    }
  } catch (error) {
    removeTemporary()
    throw error
  }
}

// Signals to stop and continue a process, and POSIX sh, are what Windows lacks.
const LAB_CAPABILITIES: readonly Capability[] =
  process.platform === 'win32' ? ['management', 'data'] : ['power', 'processes', 'links', 'management', 'data']

/** What of the options the container lab takes. */
function containerSettings(options: LabSettings & ResolveOptions): ContainerSettings {
  const { toolkit, parameters, defects, timeScale, mode, baseImage, signal, labDirectory } = options
  return withoutUndefined({ toolkit, parameters, defects, timeScale, mode, baseImage, signal, labDirectory })
}

interface LabSettings {
  readonly baseImage?: string
  readonly defects?: readonly string[]
  readonly timeScale?: number
  readonly mode?: 'active-active' | 'active-passive'
}

function labSettings(variables: Variables, problems: ConfigurationProblem[]): LabSettings {
  const typed = <T>(name: string): T | undefined =>
    valueOf(variables, variable(name), variable(name).schema as z.ZodType<T>, problems)
  return withoutUndefined({
    defects: typed<string[]>('FAILOVER_LAB_DEFECT'),
    timeScale: typed<number>('FAILOVER_LAB_TIMESCALE'),
    mode: typed<'active-active' | 'active-passive'>('FAILOVER_LAB_MODE'),
    baseImage: typed<string>('FAILOVER_LAB_IMAGE'),
  })
}

function common(declared: EnvironmentDeclaration): Common {
  const { name, mode, objectives, contract, operatorPrefix, safety, tolerance } = declared
  return { name, mode, objectives, contract, operatorPrefix, safety, predictionTolerance: tolerance }
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>
}
