import { ConfigurationError } from '../../core/index.ts'
import { parseDefects } from '../defects.ts'
import { receiverPorts, remoteHosts, siteFileTexts, toolkitFile } from '../embedded/files.ts'
import { identify } from '../embedded/identity.ts'
import type { LabPlan, SiteBoot, TlsMaterial } from '../embedded/plan.ts'
import type { Address, DcName, Route } from '../embedded/protocol.ts'
import type { ToolkitFile } from '../embedded/types.ts'
import { INSIDE, PORTS } from './plan.ts'
import type { ContainerLabOptions } from './types.ts'

/** Containers, sites and SSH connections start in real time: shorter seconds would measure them, and not the toolkit. */
const DEFAULT_TIME_SCALE = 0.5
const DEFAULT_METRICS_EVERY_MS = 20
const PROGRAMS = `${INSIDE.home}/programs`
const PLACES = { disk: INSIDE.disk, apps: `${INSIDE.home}/apps` }
const ANY = '0.0.0.0'

/** A lab's plan as its hosts have it, all paths being theirs, with the toolkit files of both sites. */
export interface InsidePlan {
  readonly plan: LabPlan
  readonly toolkit: Readonly<Record<DcName, ToolkitFile>>
}

/**
 * Plans a lab of containers.
 * @throws ConfigurationError for an option that makes no sense, or an unknown defect
 */
export function planInside(options: ContainerLabOptions): InsidePlan {
  const timeScale = options.timeScale ?? DEFAULT_TIME_SCALE
  if (!(timeScale > 0)) {
    throw new ConfigurationError(`A time scale of ${timeScale} is not possible.`, {
      remedy: 'Give a number above 0: how many real seconds a configured second takes.',
    })
  }
  const mode = options.mode ?? 'active-active'
  const toolkit = {
    east: toolkitFile('east', INSIDE.disk, options),
    west: toolkitFile('west', INSIDE.disk, options),
  }
  const pairs = Number(options.parameters?.['numberOfHttpSenderReceiverPairs'] ?? '1')
  const plan: LabPlan = {
    directory: INSIDE.home,
    ephemeral: false,
    timeScale,
    mode,
    defects: parseDefects(options.defects).map((defect) => defect.name),
    truthFile: `${INSIDE.truth}/truth.jsonl`,
    lifeSocket: `${INSIDE.run}/life.sock`,
    controlSocket: `${INSIDE.run}/control.sock`,
    programs: {
      site: `${PROGRAMS}/site/site.main.js`,
      pe: `${PROGRAMS}/pe/pe.main.js`,
      ctl: `${PROGRAMS}/ctl/ctl.main.js`,
    },
    sites: {
      east: identify('east', PLACES, options, false),
      west: identify('west', PLACES, options, mode === 'active-passive'),
    },
    receiverPorts: { east: receiverPorts(toolkit.east, pairs), west: receiverPorts(toolkit.west, pairs) },
    hostNames: { east: remoteHosts(toolkit.west), west: remoteHosts(toolkit.east) },
    metricsEveryMs: options.metricsEveryMs ?? DEFAULT_METRICS_EVERY_MS,
    dialect: options.dialect ?? {},
  }
  return { plan, toolkit }
}

/** Ports of a host's services: the same inside and outside, so that a fault on a host closes the one that its clients use. */
export interface ServicePorts {
  readonly management: number
  readonly data: number
}

/** What the site program of a host is told at every boot. */
export function bootOf(
  dc: DcName,
  plan: LabPlan,
  { tls, address, services }: { readonly tls: TlsMaterial; readonly address: string; readonly services: ServicePorts },
): SiteBoot {
  const peer = dc === 'east' ? 'west' : 'east'
  const real = (port: number): { port: number; at: Address } => ({ port, at: { host: ANY, port } })
  // Names are the system's to resolve, and ports are what they are: nothing is in between.
  const routes = plan.hostNames[peer].flatMap((host) =>
    plan.receiverPorts[peer].map((port): Route => ({ host, port, via: { host, port } })),
  )
  return {
    type: 'boot',
    plan,
    dc,
    tls,
    pePorts: Array.from({ length: PORTS.pes }, (_, i) => PORTS.firstPe + i),
    crossDc: { listen: plan.receiverPorts[dc].map(real), routes },
    listen: { management: { host: ANY, port: services.management }, data: { host: ANY, port: services.data } },
    address,
    // A port proxy stands between this site and its readers, and forgets what it holds when the container dies.
    readsAreConfirmed: true,
  }
}

/** The files that a host finds on its disk at its first boot, beside its programs. */
export function filesOf(
  boot: SiteBoot,
  toolkit: ToolkitFile,
  ssh: { readonly hostKey: string; readonly authorizedKey: string },
): { readonly content: string; readonly target: string; readonly mode: number }[] {
  const { home } = INSIDE
  const launch = [INSIDE.node, boot.plan.programs.ctl, '--lab', home, 'launch-app', boot.dc]
  return [
    { target: `${home}/lab.json`, content: JSON.stringify(boot.plan), mode: 0o600 },
    { target: `${home}/host.json`, content: JSON.stringify(boot), mode: 0o600 },
    { target: `${home}/ssh/host_key`, content: ssh.hostKey, mode: 0o600 },
    { target: `${home}/ssh/authorized_keys`, content: `${ssh.authorizedKey}\n`, mode: 0o600 },
    { target: `${home}/ssh/sshd_config`, content: SSHD_CONFIG, mode: 0o600 },
    ...siteFileTexts(INSIDE.disk, toolkit, launch).map(({ path, text }) => ({
      target: path,
      content: text,
      mode: 0o600,
    })),
  ]
}

const SSHD_CONFIG = [
  `Port ${PORTS.ssh}`,
  `HostKey ${INSIDE.home}/ssh/host_key`,
  `AuthorizedKeysFile ${INSIDE.home}/ssh/authorized_keys`,
  'PermitRootLogin prohibit-password',
  'PasswordAuthentication no',
  'KbdInteractiveAuthentication no',
  'UsePAM no',
  'UseDNS no',
  'AllowTcpForwarding yes',
  'MaxSessions 64',
  'MaxStartups 64:30:128',
  'PidFile none',
  '',
].join('\n')
