import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '../../bundle/index.ts'
import { ConfigurationError, now, Secret } from '../../core/index.ts'
import { parseDefects } from '../defects.ts'
import { receiverPorts, remoteHosts, toolkitFile, writeSiteFiles } from './files.ts'
import { identify } from './identity.ts'
import { localSocketPath } from './local-socket.ts'
import type { LabPlan, SiteIdentity } from './plan.ts'
import type { DcName } from './protocol.ts'
import { submitFirst } from './submit-first.ts'
import { startSupervisor, type SupervisorProcess } from './supervisor-process.ts'
import type { EmbeddedLab, EmbeddedLabOptions, EmbeddedSite, LinkDescription } from './types.ts'

const DEFAULT_TIME_SCALE = 0.2
const DEFAULT_METRICS_EVERY_MS = 20
const DCS: readonly DcName[] = ['east', 'west']
const APPS = fileURLToPath(new URL('../../../fixtures/apps', import.meta.url))

/**
 * Starts a lab: two data centres, each with a management API, a data service and the application's processes, and the links
 * between them. No process of it outlives the calling one.
 * @throws ConfigurationError for an option that makes no sense, an unknown defect; FailoverError when it cannot start
 */
export async function startEmbeddedLab(options: EmbeddedLabOptions): Promise<EmbeddedLab> {
  const began = now()
  const directory = resolve(options.directory)
  const [plan, supervisorProgram] = await Promise.all([makePlan(directory, options), bundle('supervisor')])
  await writeFile(join(directory, 'lab.json'), JSON.stringify(plan), { mode: 0o600 })
  const supervisor = startSupervisor(supervisorProgram, directory)
  try {
    const { ca, links } = await supervisor.up(options.signal)
    const sites = { east: describeSite(plan.sites.east, ca, links), west: describeSite(plan.sites.west, ca, links) }
    if (options.submit !== false)
      await Promise.all(
        DCS.map((dc) => {
          const { instance, username, password, first } = plan.sites[dc]
          const access = { url: sites[dc].managementUrl, ca, instance, username, password }
          return submitFirst(access, first, options.signal)
        }),
      )
    return {
      directory,
      timeScale: plan.timeScale,
      mode: plan.mode,
      defects: plan.defects,
      truthFile: plan.truthFile,
      sites,
      links,
      control: [process.execPath, plan.programs.ctl, '--lab', directory],
      startMs: now() - began,
      [Symbol.asyncDispose]: () => supervisor.end(),
    }
  } catch (error) {
    await endQuietly(supervisor)
    throw error
  }
}

async function makePlan(directory: string, options: EmbeddedLabOptions): Promise<LabPlan> {
  const timeScale = options.timeScale ?? DEFAULT_TIME_SCALE
  if (!(timeScale > 0)) {
    throw new ConfigurationError(`A time scale of ${timeScale} is not possible.`, {
      remedy: 'Give a number above 0: how many real seconds a configured second takes.',
    })
  }
  const defects = parseDefects(options.defects).map((defect) => defect.name)
  const mode = options.mode ?? 'active-active'
  await mkdir(join(directory, 'logs'), { recursive: true, mode: 0o700 })
  const [site, pe, ctl] = await Promise.all([bundle('site'), bundle('pe'), bundle('ctl')])
  const files = {
    east: toolkitFile('east', diskOf(directory, 'east'), options),
    west: toolkitFile('west', diskOf(directory, 'west'), options),
  }
  const pairs = Number(options.parameters?.['numberOfHttpSenderReceiverPairs'] ?? '1')
  for (const dc of DCS) {
    const launch = [process.execPath, ctl, '--lab', directory, 'launch-app', dc]
    await writeSiteFiles(diskOf(directory, dc), files[dc], launch)
  }
  return {
    directory,
    ephemeral: options.ephemeral ?? false,
    timeScale,
    mode,
    defects,
    truthFile: join(directory, 'truth.jsonl'),
    lifeSocket: localSocketPath(directory, 'life'),
    controlSocket: localSocketPath(directory, 'control'),
    programs: { site, pe, ctl },
    sites: {
      east: identify('east', { disk: diskOf(directory, 'east'), apps: APPS }, options, false),
      west: identify('west', { disk: diskOf(directory, 'west'), apps: APPS }, options, mode === 'active-passive'),
    },
    receiverPorts: { east: receiverPorts(files.east, pairs), west: receiverPorts(files.west, pairs) },
    hostNames: { east: remoteHosts(files.west), west: remoteHosts(files.east) },
    metricsEveryMs: options.metricsEveryMs ?? DEFAULT_METRICS_EVERY_MS,
    dialect: options.dialect ?? {},
  }
}

function describeSite(identity: SiteIdentity, ca: string, links: readonly LinkDescription[]): EmbeddedSite {
  const { dc, domain, instance, username, password, configFile, first, application } = identity
  const url = (port: LinkDescription['port']): string => {
    const link = links.find(
      (candidate) => candidate.from === 'runner' && candidate.to === dc && candidate.port === port,
    )
    return `https://${link?.host}:${link?.listenPort}`
  }
  return {
    dc,
    managementUrl: `${url('management')}/streams`,
    dataUrl: url('data'),
    username,
    password: new Secret(password),
    ca,
    domain,
    instance,
    jobName: first.name,
    bundle: first.bundle,
    parameters: first.parameters,
    application: { jobName: application.name, bundle: application.bundle, parameters: application.parameters },
    configFile,
  }
}

async function endQuietly(supervisor: SupervisorProcess): Promise<void> {
  await supervisor.end().catch(() => undefined)
}

function diskOf(directory: string, dc: DcName): string {
  return join(directory, dc)
}

function bundle(program: 'supervisor' | 'site' | 'pe' | 'ctl'): Promise<string> {
  return bundleProgram(fileURLToPath(new URL(`./${program}.main.ts`, import.meta.url)))
}
