import type { Bundle } from './bundle-file.ts'
import type { PeKind } from '../protocol.ts'

/** Status of a PE, as REST spells it. */
export type PeStatus = 'constructed' | 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped'

/** Why a PE has its status. */
export type PeReason =
  'none' | 'automatic' | 'crash' | 'failure' | 'hostFailure' | 'userRequest' | 'voluntary' | 'noViableResource'

/** Health of a PE, a job or an instance. */
export type Health = 'healthy' | 'partiallyHealthy' | 'partiallyUnhealthy' | 'unhealthy'

/** Status of an instance. */
export type InstanceStatus = 'starting' | 'running' | 'stopping' | 'stopped'

/** What the disk remembers of a PE. */
export interface StoredPe {
  readonly id: string
  readonly kind: PeKind
  readonly port: number
  host: string
  launchCount: number
  /** A user stopped it: a boot does not start it again. */
  stopped: boolean
}

/** What the disk remembers of a job. */
export interface StoredJob {
  readonly id: string
  readonly name: string
  readonly jobGroup: string
  readonly bundleId: string
  readonly startedBy: string
  readonly submitTime: number
  /** With defaults filled in. */
  readonly parameters: Readonly<Record<string, string>>
  generationId: number
  readonly pes: StoredPe[]
}

/** An application configuration of the instance. */
export interface ApplicationConfiguration {
  readonly name: string
  description: string
  properties: Record<string, string>
  readonly creationTime: number
  lastModifiedTime: number
  readonly owner: string
}

/** What a site keeps on its disk: all that survives a loss of power. */
export interface StoredState {
  nextJobId: number
  nextPeId: number
  instance: { wanted: 'started' | 'stopped'; creationTime: number }
  jobs: StoredJob[]
  applicationConfigurations: ApplicationConfiguration[]
  quiescedHosts: string[]
}

/** A bundle that was uploaded. */
export interface StoredBundle {
  readonly id: string
  readonly bundle: Bundle
}
