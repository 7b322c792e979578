import type { Duration } from '../core/index.ts'
import type { DcName, HistoryEventInput } from '../history/index.ts'
import type { Shell } from '../hosts/index.ts'
import type { DcClients, FaultContext, HostName } from './definition.ts'
import type { FaultEnvironment } from './target.ts'

/** Deadlines of the phases of a fault. Each is its own: a slow phase does not eat the next one's time. */
export interface FaultDeadlines {
  readonly survey: Duration
  readonly arm: Duration
  /** Of each step. */
  readonly step: Duration
  readonly confirm: Duration
  /** Of the undo on each host. */
  readonly undo: Duration
  readonly confirmHealed: Duration
}

/** See {@link FaultDeadlines}. */
export const DEFAULT_DEADLINES: FaultDeadlines = {
  survey: '15s',
  arm: '20s',
  step: '60s',
  confirm: '30s',
  undo: '90s',
  confirmHealed: '60s',
}

/** What the engine hands to each fault. */
export interface FaultServices {
  readonly environment: FaultEnvironment
  readonly clients: Readonly<Record<DcName, DcClients>>
  readonly shell: (host: HostName) => Shell
  readonly leaseDirectory: (host: HostName) => string
  /** Who breaks things, for whoever finds a lease. Default: this user, machine and process. */
  readonly holder?: string
  readonly ttl: Duration
  readonly deadlines: FaultDeadlines
  /** Records an event; never throws. */
  readonly record: (event: HistoryEventInput) => void
  /** Notes why what is measured proves nothing. */
  readonly doubt: (text: string) => void
}

/** The context of one phase of a fault. */
export function contextOf(services: FaultServices, id: string, signal: AbortSignal): FaultContext {
  const { environment, clients, shell } = services
  return { id, environment, clients, shell, signal }
}
