import type { Job, JobOperator } from '../site/job.ts'
import type { Pe } from '../site/pe.ts'
import type { Element, Member } from './collection.ts'
import type { ElementUris } from './element-uris.ts'
import { PRODUCT } from './product.ts'

/** Jobs, PEs, operators, ports and connections of a site, as the management API shows them (streams-rest-api.md §5 and §6). */
export class JobElements {
  readonly #uris: ElementUris

  constructor(uris: ElementUris) {
    this.#uris = uris
  }

  job(job: Job): Member {
    const self = this.#uris.job(job)
    const { stored, bundle } = job
    const [scope = ''] = bundle.application.split('::')
    const element = {
      resourceType: 'job',
      restid: stored.id,
      id: stored.id,
      name: stored.name,
      self,
      status: this.#uris.word(job.status),
      health: this.#uris.word(job.health),
      applicationName: bundle.application,
      applicationVersion: bundle.applicationVersion,
      applicationScope: scope,
      applicationPath: '',
      dataPath: '',
      outputPath: '',
      jobGroup: stored.jobGroup,
      startedBy: stored.startedBy,
      submitTime: stored.submitTime,
      submitParameters: bundle.parameters.map(({ name, defaultValue, required }) => ({
        name,
        defaultValue: defaultValue ?? null,
        required: required ?? false,
        parameterKind: 'named',
        value: stored.parameters[name] ?? null,
      })),
      productVersion: PRODUCT.productVersion,
      generationId: stored.generationId,
      topologyUpdating: false,
      instance: this.#uris.instance,
      domain: this.#uris.domain,
      operators: `${self}/operators`,
      operatorConnections: `${self}/operatorconnections`,
      pes: `${self}/pes`,
      peConnections: `${self}/peconnections`,
      resourceAllocations: `${self}/resourceallocations`,
      hosts: `${self}/hosts`,
      views: `${self}/views`,
      activeViews: `${self}/activeviews`,
      applicationLogTrace: `${self}/applicationlogtrace`,
      productLog: `${self}/productlog`,
      snapshot: `${self}/snapshot`,
      metricsSnapshot: `${self}/metricssnapshot`,
    }
    const hosts = [...new Set(job.pes.map((pe) => pe.stored.host))].join(',')
    return { element, relations: { 'resource.restid': hosts, 'host.restid': hosts } }
  }

  pe(pe: Pe, verbose = false): Member {
    const { id, host, launchCount } = pe.stored
    const self = this.#uris.pe(pe)
    const job = this.#uris.site.jobOf(pe)
    const required = pe.status !== 'running' ? 'unknown' : pe.connected ? 'connected' : 'disconnected'
    const element = {
      resourceType: 'pe',
      restid: id,
      id,
      self,
      status: this.#uris.word(pe.status),
      statusReason: this.#uris.word(pe.reason),
      health: this.#uris.word(pe.health),
      indexWithinJob: job.pes.indexOf(pe),
      launchCount,
      processId: pe.pid === undefined ? '' : String(pe.pid),
      requiredConnections: this.#uris.word(required),
      optionalConnections: this.#uris.word('connected'),
      relocatable: true,
      restartable: true,
      tracingLevel: 'info',
      pendingTracingLevel: null,
      osCapabilities: [],
      resourceTags: [],
      currentWorkingPath: this.#uris.site.disk.directory,
      ...(verbose ? { restartPriority: 0 } : {}),
      job: this.#uris.job(job),
      instance: this.#uris.instance,
      domain: this.#uris.domain,
      host: `${this.#uris.instance}/hosts/${encodeURIComponent(host)}`,
      resource: `${this.#uris.domain}/resources/${encodeURIComponent(host)}`,
      resourceAllocation: `${this.#uris.instance}/resourceallocations/${encodeURIComponent(host)}`,
      operators: `${self}/operators`,
      inputPorts: `${self}/inputports`,
      outputPorts: `${self}/outputports`,
      connections: `${self}/connections`,
      metrics: `${self}/metrics`,
      applicationTrace: `${self}/applicationtrace`,
      consoleLog: `${self}/consolelog`,
      productLog: `${self}/productlog`,
      snapshot: `${self}/snapshot`,
      metricsSnapshot: `${self}/metricssnapshot`,
    }
    return { element, relations: { 'job.restid': job.stored.id, 'resource.restid': host, 'host.restid': host } }
  }

  operator(job: Job, operator: JobOperator): Member {
    const self = this.#uris.operator(job, operator)
    const { host, id } = operator.pe.stored
    const element = {
      resourceType: 'operator',
      restid: operator.name,
      self,
      name: operator.name,
      ...(operator.channel === undefined
        ? {}
        : { logicalName: operator.logicalName, channel: operator.channel, channels: [operator.channel] }),
      operatorKind: operator.kind,
      indexWithinJob: operator.indexWithinJob,
      pe: this.#uris.pe(operator.pe),
      job: this.#uris.job(job),
      instance: this.#uris.instance,
      domain: this.#uris.domain,
      host: `${this.#uris.instance}/hosts/${encodeURIComponent(host)}`,
      resourceAllocation: `${this.#uris.instance}/resourceallocations/${encodeURIComponent(host)}`,
      inputPorts: `${self}/inputports`,
      outputPorts: `${self}/outputports`,
      connections: `${self}/connections`,
      metrics: `${self}/metrics`,
      applicationTrace: `${this.#uris.pe(operator.pe)}/applicationtrace`,
      productLog: `${this.#uris.pe(operator.pe)}/productlog`,
    }
    return { element, relations: { 'job.restid': job.stored.id, 'pe.restid': id } }
  }

  operatorPort(job: Job, operator: JobOperator, direction: 'input' | 'output', index: number): Element {
    const names = direction === 'input' ? operator.inputPorts : operator.outputPorts
    const self = `${this.#uris.operator(job, operator)}/${direction}ports/${index}`
    const name = names[index] ?? ''
    const endpoint = job.bundle.endpoints.find((e) => e.operator === operator.name && e.port === index)
    return {
      resourceType: direction === 'input' ? 'operatorInputPort' : 'operatorOutputPort',
      restid: String(index),
      self,
      name,
      indexWithinOperator: index,
      streamName: name,
      ...(direction === 'output'
        ? {
            streamViewable: false,
            tupleAttributes: (endpoint?.schema ?? []).map(({ name: attribute, type }) => ({
              name: attribute,
              type,
              splType: type,
            })),
          }
        : {}),
      connections: `${self}/connections`,
      metrics: `${self}/metrics`,
      operator: this.#uris.operator(job, operator),
      pe: this.#uris.pe(operator.pe),
      job: this.#uris.job(job),
      instance: this.#uris.instance,
      domain: this.#uris.domain,
    }
  }

  operatorConnections(job: Job): Member[] {
    return job.connections().map(({ from, fromPort, to, toPort }): Member => {
      const id = `o${from.indexWithinJob}p${fromPort}i${to.indexWithinJob}p${toPort}`
      const element = {
        resourceType: 'operatorConnection',
        restid: id,
        id,
        self: `${this.#uris.instance}/operatorconnections/${id}`,
        required: true,
        peConnection:
          from.pe === to.pe ? null : `${this.#uris.instance}/peconnections/${this.#uris.peConnectionId(from, to)}`,
        source: {
          job: this.#uris.job(job),
          pe: this.#uris.pe(from.pe),
          operator: this.#uris.operator(job, from),
          outputPort: `${this.#uris.operator(job, from)}/outputports/${fromPort}`,
        },
        target: {
          job: this.#uris.job(job),
          pe: this.#uris.pe(to.pe),
          operator: this.#uris.operator(job, to),
          inputPort: `${this.#uris.operator(job, to)}/inputports/${toPort}`,
        },
      }
      return { element, relations: { 'job.restid': job.stored.id } }
    })
  }

  peConnections(job: Job): Member[] {
    const seen = new Map<string, Member>()
    for (const { from, to } of job.connections()) {
      if (from.pe === to.pe) continue
      const id = this.#uris.peConnectionId(from, to)
      const self = `${this.#uris.instance}/peconnections/${id}`
      const up = from.pe.health === 'healthy' && to.pe.health === 'healthy'
      const element = {
        resourceType: 'peConnection',
        restid: id,
        id,
        self,
        status: this.#uris.word(up ? 'connected' : 'connecting'),
        required: true,
        source: {
          job: this.#uris.job(job),
          pe: this.#uris.pe(from.pe),
          outputPort: `${this.#uris.pe(from.pe)}/outputports/0`,
        },
        target: {
          job: this.#uris.job(job),
          pe: this.#uris.pe(to.pe),
          inputPort: `${this.#uris.pe(to.pe)}/inputports/0`,
        },
        metrics: `${self}/metrics`,
      }
      const relations = { 'job.restid': job.stored.id, 'pe.restid': from.pe.stored.id, target: to.pe.stored.id }
      seen.set(id, { element, relations })
    }
    return [...seen.values()]
  }
}
