import type { Attribute } from '../site/bundle-file.ts'
import type { Job } from '../site/job.ts'
import type { Site } from '../site/site.ts'
import { PeConnection } from './pe-connection.ts'

const LOOPBACK = '127.0.0.1'
/** How many read positions with their times are remembered, for start times. */
const REMEMBERED = 1000

/** One port that tuples can be injected into or inspected at, with its connection to the PE. */
export interface Endpoint {
  readonly job: Job
  readonly operator: string
  readonly port: number
  readonly direction: 'inject' | 'inspect'
  readonly schema: readonly Attribute[]
  readonly connection: PeConnection
  readonly consuming: boolean
  /** How many dropped tuples readers have been told of, in the life of the present PE process. */
  told: { launchCount: number; dropped: number }
  /** What position the buffer had come to, at which time; oldest first. */
  readonly positions: { readonly at: number; readonly next: number }[]
}

/** The path of an endpoint. */
export function endpointPath({ job, operator, port, direction }: Endpoint): string {
  const side = direction === 'inject' ? 'output' : 'input'
  return `/jobs/${job.stored.id}/${encodeURIComponent(operator)}/ports/${side}/${port}`
}

/** The endpoints of all jobs of a site, made when they are first asked for and forgotten with their job. */
export class Endpoints {
  readonly #site: Site
  #byJob = new Map<Job, readonly Endpoint[]>()
  #byPath = new Map<string, Endpoint>()

  constructor(site: Site) {
    this.#site = site
  }

  of(job: Job): readonly Endpoint[] {
    this.#refresh()
    return this.#byJob.get(job) ?? []
  }

  at(path: string): Endpoint | undefined {
    const known = this.#byPath.get(path)
    if (known && this.#site.jobs.get(known.job.stored.id) === known.job) return known
    this.#refresh()
    return this.#byPath.get(path)
  }

  close(): void {
    for (const endpoint of this.#byPath.values()) endpoint.connection.close()
    this.#byJob = new Map()
    this.#byPath = new Map()
  }

  #refresh(): void {
    for (const [job, endpoints] of this.#byJob) {
      if (this.#site.jobs.get(job.stored.id) === job) continue
      for (const endpoint of endpoints) {
        endpoint.connection.close()
        this.#byPath.delete(endpointPath(endpoint))
      }
      this.#byJob.delete(job)
    }
    for (const job of this.#site.jobs.values()) {
      if (this.#byJob.has(job)) continue
      const endpoints = make(job)
      this.#byJob.set(job, endpoints)
      for (const endpoint of endpoints) this.#byPath.set(endpointPath(endpoint), endpoint)
    }
  }
}

/** Notes how far a buffer had come when it was read. */
export function remember(endpoint: Endpoint, next: number): void {
  endpoint.positions.push({ at: Date.now(), next })
  if (endpoint.positions.length > REMEMBERED) endpoint.positions.shift()
}

/** The position from which a reader gets all tuples that came after a time, and perhaps some earlier ones. */
export function positionAt(endpoint: Endpoint, time: number): number {
  return endpoint.positions.findLast((known) => known.at <= time)?.next ?? 0
}

function make(job: Job): Endpoint[] {
  return job.bundle.endpoints.flatMap(({ operator, port, direction, schema }) => {
    const pe = job.operator(operator)?.pe
    if (!pe) return []
    const connection = new PeConnection({ host: LOOPBACK, port: pe.stored.port })
    const consuming = (job.stored.parameters['consumingReads'] ?? 'true') === 'true'
    const told = { launchCount: 0, dropped: 0 }
    return [{ job, operator, port, direction, schema, connection, consuming, told, positions: [] }]
  })
}
