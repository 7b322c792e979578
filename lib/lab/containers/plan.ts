import type { DockerEndpoint } from './docker-api.ts'
import type { DcName } from '../embedded/protocol.ts'

/** Label of everything that belongs to a container lab; its value is the lab's id. */
export const LAB_LABEL = 'streams-failover.lab'
/** Label that tells which process a lab belongs to. */
export const OWNER_LABEL = 'streams-failover.owner'

/** Where things lie inside the container of a host. */
export const INSIDE = {
  home: '/opt/failover',
  disk: '/var/lib/failover/disk',
  snapshots: '/var/lib/failover/disk/snapshots',
  truth: '/var/lib/failover/truth',
  logs: '/var/log/failover',
  run: '/run/failover',
  leases: '/var/tmp/failover-leases',
  node: '/usr/local/bin/node',
} as const

/** Ports of a host, as a real site has them. */
export const PORTS = { ssh: 22, firstPe: 20_000, pes: 16 } as const

/** What the lab's programs on this machine need to know: `<lab>/containers.json`, readable by its owner only. */
export interface ContainersFile {
  readonly id: string
  readonly directory: string
  /** The watchdog removes the directory when all is gone. */
  readonly ephemeral: boolean
  readonly docker: DockerEndpoint
  /** Names of the containers of each data centre. */
  readonly containers: Readonly<Record<DcName, readonly string[]>>
  readonly truthFile: string | null
}
