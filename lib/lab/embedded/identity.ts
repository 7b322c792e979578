import { randomBytes } from 'node:crypto'
import { siteFiles } from './files.ts'
import type { JobOrder, SiteIdentity } from './plan.ts'
import type { DcName } from './protocol.ts'

/** Where the parts of a site lie, as the site's own machine sees them. */
export interface SitePlaces {
  /** The directory that outlives a power-off. */
  readonly disk: string
  /** The bundles of the example application. */
  readonly apps: string
}

/** What of a lab's options makes a site's identity. */
export interface IdentityOptions {
  readonly mode?: 'active-active' | 'active-passive'
  readonly parameters?: Readonly<Record<string, string>>
}

/** Who a site is, with a new password, and what runs there. `passive`: it starts with the watcher of a passive side. */
export function identify(
  dc: DcName,
  { disk, apps }: SitePlaces,
  options: IdentityOptions,
  passive: boolean,
): SiteIdentity {
  const { config, passiveConfig, launchScript } = siteFiles(disk)
  const application: JobOrder = {
    name: 'failover-app',
    bundle: `${apps}/failover-app.sab`,
    // Of a passive pair, the side that is active does the work of both homes.
    parameters: {
      configFileName: config,
      ...(options.mode === 'active-passive' ? { owns: 'all' } : {}),
      ...options.parameters,
    },
  }
  const pairs = options.parameters?.['numberOfHttpSenderReceiverPairs']
  const watcher: JobOrder = {
    name: 'failover-passive',
    bundle: `${apps}/failover-passive.sab`,
    parameters: {
      configFileName: passiveConfig,
      shellScriptName: launchScript,
      ...(pairs === undefined ? {} : { numberOfHttpSenderReceiverPairs: pairs }),
    },
  }
  return {
    dc,
    domain: 'StreamsDomain',
    instance: 'StreamsInstance',
    username: 'labadmin',
    password: randomBytes(18).toString('base64url'),
    disk,
    configFile: config,
    application,
    first: passive ? watcher : application,
  }
}
