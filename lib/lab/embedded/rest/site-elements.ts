import { hasProcesses } from '../site/hosts.ts'
import type { Element, Member } from './collection.ts'
import type { ElementUris } from './element-uris.ts'
import { PRODUCT } from './product.ts'

/** Domain, instance, hosts and services of a site, as the management API shows them (streams-rest-api.md §4 and §7). */
export class SiteElements {
  readonly #uris: ElementUris

  constructor(uris: ElementUris) {
    this.#uris = uris
  }

  domain(): Element {
    const self = this.#uris.domain
    const { domain, username } = this.#uris.site.identity
    return {
      resourceType: 'domain',
      restid: domain,
      id: domain,
      self,
      status: this.#uris.word('running'),
      startTime: this.#uris.site.bootTime,
      creationTime: this.#uris.site.disk.state.instance.creationTime,
      creationUser: username,
      resourceTags: [],
      activeVersion: PRODUCT,
      instances: this.#uris.at('instances'),
      hosts: `${self}/resources`,
      resources: `${self}/resources`,
      activeServices: `${self}/activeservices`,
      resourceAllocations: `${self}/resourceallocations`,
    }
  }

  instance(): Element {
    const site = this.#uris.site
    const self = this.#uris.instance
    const { instance, username } = site.identity
    return {
      resourceType: 'instance',
      restid: instance,
      id: instance,
      self,
      status: this.#uris.word(this.#instanceStatus()),
      health: this.#uris.word(site.health),
      owner: username,
      creationUser: username,
      startedBy: username,
      creationTime: site.disk.state.instance.creationTime,
      startTime: site.instanceStartTime,
      activeVersion: PRODUCT,
      productVersion: PRODUCT.productVersion,
      restrictedTags: [],
      applicationNetwork: '',
      domain: this.#uris.domain,
      jobs: `${self}/jobs`,
      jobGroups: `${self}/jobgroups`,
      pes: `${self}/pes`,
      peConnections: `${self}/peconnections`,
      operators: `${self}/operators`,
      operatorConnections: `${self}/operatorconnections`,
      resourceAllocations: `${self}/resourceallocations`,
      hosts: `${self}/hosts`,
      activeServices: `${self}/activeservices`,
      views: `${self}/views`,
      activeViews: `${self}/activeviews`,
      configuredViews: `${self}/configuredviews`,
      exportedStreams: `${self}/exportedstreams`,
      importedStreams: `${self}/importedstreams`,
      applicationConfigurations: `${self}/applicationconfigurations`,
      applicationBundles: `${self}/applicationbundles`,
      jobsSnapshot: `${self}/snapshot`,
      jobsMetricsSnapshot: `${self}/metricssnapshot`,
    }
  }

  /** A host as the domain sees it. */
  resource(host: string): Element {
    const self = `${this.#uris.domain}/resources/${encodeURIComponent(host)}`
    return {
      resourceType: 'resource',
      restid: host,
      id: host,
      displayName: host,
      ipAddress: this.#uris.site.boot.address ?? '127.0.0.1',
      self,
      status: this.#uris.word(this.#hostStatus(host)),
      type: 'static',
      tags: ['application', 'management', 'rest', 'view'],
      restrictedTags: [],
      serviceStatus: [],
      domain: this.#uris.domain,
      metrics: `${self}/metrics`,
      activeServices: `${self}/activeservices`,
      allocations: `${self}/allocations`,
    }
  }

  allocation(host: string): Element {
    const self = `${this.#uris.instance}/resourceallocations/${encodeURIComponent(host)}`
    return {
      resourceType: 'resourceAllocation',
      restid: host,
      self,
      applicationResource: true,
      schedulerStatus: this.#uris.word(this.#uris.site.isQuiesced(host) ? 'draining' : 'schedulable'),
      status: this.#uris.word(this.#hostStatus(host)),
      resourceSpecification: { id: host, tags: ['application'], exclusive: false, resourceCount: 1 },
      serviceStatus: [],
      resource: `${this.#uris.domain}/resources/${encodeURIComponent(host)}`,
      instance: this.#uris.instance,
      domain: this.#uris.domain,
      activeServices: `${self}/activeservices`,
      jobs: `${this.#uris.instance}/jobs?resource.restid=${encodeURIComponent(host)}`,
      pes: `${this.#uris.instance}/pes?resource.restid=${encodeURIComponent(host)}`,
    }
  }

  /** A host in the older view of an instance. */
  host(host: string): Element {
    const self = `${this.#uris.instance}/hosts/${encodeURIComponent(host)}`
    return {
      resourceType: 'host',
      restid: host,
      self,
      name: host,
      ipAddress: this.#uris.site.boot.address ?? '127.0.0.1',
      processorCount: 1,
      restrictedTags: [],
      services: [],
      status: this.#uris.word(this.#hostStatus(host)),
      schedulerState: this.#uris.word(this.#uris.site.isQuiesced(host) ? 'draining' : 'schedulable'),
      tags: ['application'],
      jobs: `${this.#uris.instance}/jobs?resource.restid=${encodeURIComponent(host)}`,
      pes: `${this.#uris.instance}/pes?resource.restid=${encodeURIComponent(host)}`,
      metrics: `${self}/metrics`,
    }
  }

  service(type: string, scope: 'instance' | 'domain'): Member {
    const pid = String(process.pid)
    const restid = `${pid}-${type}`
    const parent = scope === 'instance' ? this.#uris.instance : this.#uris.domain
    const host = this.#uris.site.hosts[0] ?? ''
    const element = {
      resourceType: 'activeService',
      restid,
      self: `${parent}/activeservices/${restid}`,
      type,
      status: this.#uris.word('running'),
      leader: true,
      processId: pid,
      startTime: this.#uris.site.bootTime,
      connectionUrl: '',
      connectionUrlExternal: '',
      resource: `${this.#uris.domain}/resources/${encodeURIComponent(host)}`,
      resourceAllocation: `${this.#uris.instance}/resourceallocations/${encodeURIComponent(host)}`,
      instance: this.#uris.instance,
      domain: this.#uris.domain,
    }
    return { element, relations: { 'resource.restid': host } }
  }

  jobGroup(name: string): Element {
    const self = `${this.#uris.instance}/jobgroups/${encodeURIComponent(name)}`
    return {
      resourceType: 'jobGroup',
      restid: name,
      id: name,
      name,
      self,
      jobs: `${this.#uris.instance}/jobs?jobGroup=${name}`,
    }
  }

  #instanceStatus(): string {
    const { instanceStatus, hosts } = this.#uris.site
    if (instanceStatus !== 'running') return instanceStatus
    return hosts.some((host) => this.#uris.site.isQuiesced(host)) ? 'partiallyRunning' : 'running'
  }

  #hostStatus(host: string): string {
    if (this.#uris.site.instanceStatus === 'stopped') return 'stopped'
    if (!this.#uris.site.isQuiesced(host)) return 'running'
    return hasProcesses(this.#uris.site, host) ? 'quiescing' : 'quiesced'
  }
}
