import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  describeElements,
  OPERATORS,
  type DoubleOptions,
  type Properties,
  type RestDouble,
} from './rest-double-elements.ts'
import { readRequest, sendJson, startServer } from './server.ts'

/** Starts a double. */
export async function startDouble(options: DoubleOptions = {}): Promise<RestDouble> {
  const base = options.basePath ?? '/streams'
  let nextJob = 1
  const server = await startServer(async (request, response) => {
    try {
      if (await options.intercept?.(request, response, double)) return
      await handle(request, response)
    } catch (error) {
      sendJson(response, String(error), 500)
    }
  })
  const state: Pick<RestDouble, 'base' | 'instanceStatus' | 'hostStatus' | 'jobs' | 'configurations' | 'submit'> = {
    base: `${server.url}${base}`,
    instanceStatus: 'running',
    hostStatus: 'running',
    jobs: new Map(),
    configurations: new Map(),
    submit(name, body) {
      const id = String(nextJob++)
      const pes = OPERATORS.map((_, index) => ({ id: `${id}${index}`, status: 'running', launchCount: 1 }))
      state.jobs.set(id, { name, status: 'running', health: 'healthy', pes, body })
      return id
    },
  }
  const double: RestDouble = Object.assign(state, server)
  return double

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const origin = options.origin ?? `http://${request.headers.host}`
    const root = `${origin}${base}`
    const url = new URL(request.url ?? '/', origin)
    const method = request.method ?? 'GET'
    const body = method === 'GET' ? Buffer.alloc(0) : await readRequest(request)
    const fail = (status: number, id: string, text: string): void => {
      const message = { id, message: `${id} ${text}` }
      sendJson(response, options.errors === 'flat' ? message : { messages: [message] }, status)
    }
    const list = (key: string, all: readonly Properties[]): void => {
      const wanted = all.filter((one) =>
        [...url.searchParams].every(
          ([name, value]) =>
            one[name] === undefined || value.split(',').includes(JSON.stringify(one[name]).replaceAll('"', '')),
        ),
      )
      const count = Number(url.searchParams.get('count') ?? 0)
      const page = Number(url.searchParams.get('page') ?? 1)
      const shown = count > 0 ? wanted.slice((page - 1) * count, page * count) : wanted
      sendJson(response, { [key]: shown, resourceType: `${key}List`, total: wanted.length })
    }
    if (!url.pathname.startsWith(`${base}/`)) return fail(404, 'CDISA5018E', 'The URL is not on this server.')
    const path = url.pathname.slice(base.length)
    const { home, spell, domain, instance, host, jobOf, pesOf, operatorsOf, metric, snapshotOf } = describeElements(
      state,
      options,
      root,
    )
    const stopped = (): boolean => {
      if (state.instanceStatus === 'running') return false
      fail(409, 'CDISA5072E', 'The instance is not started.')
      return true
    }
    const asked = (): string => {
      if (body.length === 0) return ''
      const json = JSON.parse(body.toString()) as { state?: string; type?: string }
      const by = url.pathname.endsWith('/actions') ? json.type : json.state
      return { started: 'start', stopped: 'stop' }[by ?? ''] ?? by ?? ''
    }
    const at = (pattern: RegExp): string[] | undefined => pattern.exec(path)?.slice(1)
    const lifecycle = options.actions ? '/actions' : ''
    const changes = options.actions ? 'POST' : 'PATCH'
    let match: string[] | undefined

    if (path === '/resources') {
      return sendJson(response, {
        resources: [
          { name: 'instances', resource: `${root}/instances` },
          { name: 'domains', resource: `${root}/domains` },
        ],
        total: 2,
      })
    }
    if (path === '/domains') return list('domains', [domain])
    if (path === '/domains/dom') return sendJson(response, domain)
    if (path === '/domains/dom/resources') return list('resources', [host])
    if (path === '/domains/dom/resources/h1') return sendJson(response, host)
    if (path === '/domains/dom/resources/h1/actions' && method === 'POST') {
      state.hostStatus = asked() === 'quiesce' ? 'quiesced' : 'running'
      return sendJson(response, {})
    }
    if (path === '/instances') return list('instances', [instance()])
    if (path === '/instances/inst' && method === 'GET') return sendJson(response, instance())
    if (path === `/instances/inst${lifecycle}` && method === changes) {
      if (asked() === 'start' && state.instanceStatus === 'running')
        return fail(409, 'CDISA5073E', 'The instance is already started.')
      state.instanceStatus = asked() === 'start' ? 'running' : 'stopped'
      if (state.instanceStatus === 'stopped') state.jobs.clear()
      return sendJson(response, {})
    }
    if (stopped()) return
    if (path === '/instances/inst/applicationbundles' && method === 'POST') {
      if (request.headers['content-type'] !== 'application/x-jar') return fail(415, 'CDISA5021E', 'content type')
      return sendJson(response, { bundleId: 'bundleId:0123abcd', extra: 1 })
    }
    if (path === '/instances/inst/jobs' && method === 'POST') {
      const json = JSON.parse(body.toString()) as {
        application: string
        jobConfigurationOverlay: { jobConfigOverlays: { jobConfig: { jobName?: string } }[] }
      }
      const name = json.jobConfigurationOverlay.jobConfigOverlays[0]?.jobConfig.jobName ?? 'app_1'
      const id = state.submit(name, json)
      return sendJson(response, jobOf(id), 201)
    }
    if (path === '/instances/inst/jobs') return list('jobs', [...state.jobs.keys()].map(jobOf))
    if (path === '/instances/inst/pes') return list('pes', [...state.jobs.keys()].flatMap(pesOf))
    if (path === '/instances/inst/operators') return list('operators', [...state.jobs.keys()].flatMap(operatorsOf))
    if (path === '/instances/inst/metricssnapshot')
      return sendJson(response, { lastTimeRetrieved: 2000, jobs: [...state.jobs.keys()].map(snapshotOf) })
    if (path === '/instances/inst/resourceallocations')
      return list('resourceAllocations', [
        { self: `${home}/resourceallocations/1`, status: spell('running'), schedulerStatus: spell('notApplicable') },
      ])
    if (path === '/instances/inst/activeservices')
      return list('activeServices', [
        { self: `${home}/activeservices/1`, type: 'sam', status: spell('waiting'), leader: false, processId: '9' },
      ])
    if (path === '/instances/inst/peconnections')
      return list('connections', [{ id: 'c1', self: `${home}/peconnections/c1`, status: spell('connected') }])
    if (path === '/instances/inst/operatorconnections')
      return list('connections', [{ id: 'c1', self: `${home}/operatorconnections/c1` }])
    if (path === '/instances/inst/views')
      return list('views', [{ id: 'v1', self: `${home}/views/v1`, name: 'v', viewItems: `${home}/views/v1/items` }])
    if (path === '/instances/inst/views/v1/items') return list('viewItems', [{ collectionTime: 5, data: { x: 1 } }])
    if (path === '/instances/inst/exportedstreams') return list('exportedStreams', [])
    if (path === '/instances/inst/importedstreams') return list('importedStreams', [])
    if (path === '/instances/inst/applicationconfigurations') {
      if (method !== 'POST') return list('applicationConfigurations', [...state.configurations.values()])
      const json = JSON.parse(body.toString()) as { name: string }
      state.configurations.set(json.name, { ...json, self: `${home}/applicationconfigurations/${json.name}` })
      return sendJson(response, state.configurations.get(json.name) ?? {}, 201)
    }
    if ((match = at(/^\/instances\/inst\/applicationconfigurations\/(\w+)$/))) {
      const configuration = state.configurations.get(match[0] ?? '')
      if (!configuration) return fail(404, 'CDISW5000E', 'not there')
      if (method === 'DELETE') {
        state.configurations.delete(match[0] ?? '')
        response.writeHead(204).end()
        return
      }
      const { properties } = JSON.parse(body.toString()) as { properties: Properties }
      const merged = { ...(configuration['properties'] as Properties), ...properties }
      configuration['properties'] = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null))
      return sendJson(response, configuration)
    }
    if ((match = at(/^\/instances\/inst\/pes\/(\w+)\/(metrics|trace|console)$/))) {
      if (match[1] === 'metrics') return list('metrics', [metric('nCpuMilliseconds', 5, { lastTimeRetrieved: 1500 })])
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`${match[1]} of ${match[0]}`)
      return
    }
    if ((match = at(/^\/instances\/inst\/pes\/(\w+)(\/actions)?$/))) {
      const [id] = match
      const job = [...state.jobs.values()].find((one) => one.pes.some((pe) => pe.id === id))
      const pe = job?.pes.find((one) => one.id === id)
      if (!pe) return fail(404, 'CDISW5000E', `The resource with the pe resourceType and restid ${id} cannot be found.`)
      const what = asked()
      if (what === 'stop') pe.status = 'stopped'
      if (what === 'start' || what === 'restart')
        Object.assign(pe, { status: 'running', launchCount: pe.launchCount + 1 })
      const shown = [...state.jobs.keys()].flatMap(pesOf).find((one) => one['id'] === id)
      return sendJson(response, shown ?? {})
    }
    if ((match = at(/^\/instances\/inst\/jobs\/(\w+)(?:\/(.*))?$/))) {
      const [id = '', rest] = match
      if (!state.jobs.has(id))
        return fail(404, 'CDISA5230E', `The following job ID does not exist: ${id}. The job may be cancelled.`)
      if (method === 'DELETE') {
        state.jobs.delete(id)
        response.writeHead(204).end()
        return
      }
      if (method === 'PATCH') return sendJson(response, { results: JSON.parse(body.toString()) as unknown })
      if (rest === undefined) return sendJson(response, jobOf(id))
      if (rest === 'pes') return list('pes', pesOf(id))
      if (rest === 'operators') return list('operators', operatorsOf(id))
      if (rest === 'views') return list('views', [])
      if (rest === 'metricssnapshot') return sendJson(response, { lastTimeRetrieved: 2000, jobs: [snapshotOf(id)] })
      if (rest === 'applicationlogtrace') {
        response.writeHead(200, { 'content-type': 'application/x-compressed' }).end(Buffer.from([0x1f, 0x8b, 0, 1]))
        return
      }
      const part = /^operators\/(\w+)\/(metrics|inputports|outputports)(?:\/0\/metrics)?$/.exec(rest)
      if (part) {
        const self = `${home}/jobs/${id}/operators/${part[1]}`
        if (rest.endsWith('/0/metrics')) {
          const big = '"value":9007199254740993,'
          return sendJson(
            response,
            `{"metrics":[{"name":"nTuplesProcessed",${big}"metricKind":"COUNTER","lastTimeRetrieved":1700}]}`,
          )
        }
        if (part[2] === 'metrics')
          return list('metrics', [
            metric('relativeOperatorCost', 3),
            metric('nSent', 1, { metricType: spell('custom') }),
          ])
        if (part[2] === 'outputports') return list('outputPorts', [])
        return list('inputPorts', [
          { self: `${self}/inputports/0`, indexWithinOperator: 0, metrics: `${self}/inputports/0/metrics` },
        ])
      }
    }
    return fail(404, 'CDISA5018E', 'The URL is not on this server.')
  }
}
