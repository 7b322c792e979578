import { readFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { eventually, FailoverError, type Duration } from '../../core/index.ts'
import { asObject, asText } from './parse.ts'
import type { JobOrder } from './plan.ts'

/** How the lab itself reaches a site's management API. */
export interface SiteAccess {
  readonly url: string
  readonly ca: string
  readonly instance: string
  readonly username: string
  readonly password: string
}

/**
 * The few calls that a lab makes to its own sites while it starts. Tests of applications use the clients of lib/streams, which
 * the lab must not depend on: it is what they are tested with.
 */
export class SiteClient {
  readonly #access: SiteAccess
  readonly #agent: Agent

  constructor(access: SiteAccess) {
    this.#access = access
    this.#agent = new Agent({ keepAlive: true, ca: access.ca })
  }

  /** Uploads the bundle and submits a job; returns its id. */
  async submit({ name, bundle, parameters }: JobOrder): Promise<string> {
    const uploaded = await this.#call('POST', 'applicationbundles', await readFile(bundle), 'application/x-jar')
    const submissionParameters = Object.entries(parameters).map(([key, value]) => ({ name: key, value }))
    const overlay = { jobConfigOverlays: [{ jobConfig: { jobName: name, submissionParameters } }] }
    const body = { application: uploaded['bundleId'], jobConfigurationOverlay: overlay, preview: false }
    const job = await this.#call('POST', 'jobs', Buffer.from(JSON.stringify(body)), 'application/json')
    return asText(job['id']) ?? ''
  }

  /** Waits until a job is healthy. */
  async healthy(id: string, within: Duration, signal: AbortSignal | undefined): Promise<void> {
    const probe = async () => {
      const health = String((await this.#call('GET', `jobs/${id}`))['health']).toLowerCase()
      return health === 'healthy' ? { done: true as const, value: undefined } : { done: false as const, seen: health }
    }
    await eventually(probe, {
      within,
      every: '10ms',
      describe: `job ${id} at ${this.#access.url} to be healthy`,
      signal,
    })
  }

  /** The id of the job of this name, if there is one. */
  async find(name: string): Promise<string | undefined> {
    const { jobs } = await this.#call('GET', `jobs?name=${encodeURIComponent(name)}`)
    return Array.isArray(jobs) ? asText(asObject(jobs[0])?.['id']) : undefined
  }

  async cancel(id: string): Promise<void> {
    await this.#call('DELETE', `jobs/${id}`)
  }

  close(): void {
    this.#agent.destroy()
  }

  #call(method: string, path: string, body?: Buffer, contentType?: string): Promise<Record<string, unknown>> {
    const { url, instance, username, password } = this.#access
    return new Promise((resolve, reject) => {
      const target = `${url}/instances/${encodeURIComponent(instance)}/${path}`
      const headers = { ...(contentType ? { 'content-type': contentType } : {}), 'content-length': body?.length ?? 0 }
      const options = { method, agent: this.#agent, auth: `${username}:${password}`, headers, timeout: 10_000 }
      const sent = request(target, options, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          if ((response.statusCode ?? 500) < 300) resolve(text === '' ? {} : (asObject(JSON.parse(text)) ?? {}))
          else reject(new FailoverError('FAILOVER_LAB', `${method} ${target} answered ${response.statusCode}: ${text}`))
        })
      })
      sent.on('timeout', () => sent.destroy(new FailoverError('FAILOVER_LAB', `${method} ${target} was not answered.`)))
      sent.on('error', reject)
      sent.end(body)
    })
  }
}
