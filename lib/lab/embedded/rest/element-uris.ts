import type { Job, JobOperator } from '../site/job.ts'
import type { Pe } from '../site/pe.ts'
import type { Site } from '../site/site.ts'
import type { Urls } from './context.ts'

/** Where the elements of a site are found, as absolute URIs for one client. */
export class ElementUris {
  readonly site: Site
  readonly domain: string
  readonly instance: string
  readonly #urls: Urls

  constructor(site: Site, urls: Urls) {
    this.site = site
    this.#urls = urls
    this.domain = urls.at(`domains/${encodeURIComponent(site.identity.domain)}`)
    this.instance = urls.at(`instances/${encodeURIComponent(site.identity.instance)}`)
  }

  at(path: string): string {
    return this.#urls.at(path)
  }

  /** A status, health or reason in the spelling of the site's dialect. */
  word(value: string): string {
    return this.#urls.word(value)
  }

  job(job: Job): string {
    return `${this.instance}/jobs/${job.stored.id}`
  }

  pe(pe: Pe): string {
    return `${this.instance}/pes/${pe.stored.id}`
  }

  operator(job: Job, operator: JobOperator): string {
    return `${this.job(job)}/operators/${encodeURIComponent(operator.name)}`
  }

  peConnectionId(from: JobOperator, to: JobOperator): string {
    return `pe${from.pe.stored.id}o0pe${to.pe.stored.id}i0`
  }
}
