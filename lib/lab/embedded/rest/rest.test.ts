import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Agent } from 'undici'
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import {
  agentOf,
  caller,
  control,
  first,
  processes,
  temporaryLab,
  until,
  type Body,
  type Call,
} from '../lab.test-harness.ts'
import type { EmbeddedLab } from '../types.ts'

let lab: EmbeddedLab
let agent: Agent & AsyncDisposable
let call: ReturnType<typeof caller>
let base: string
let instance: string

beforeAll(async () => {
  lab = await temporaryLab({ parameters: { numberOfHttpSenderReceiverPairs: '2' } })
  agent = agentOf(lab)
  call = caller(lab.sites.east, agent)
  base = lab.sites.east.managementUrl
  instance = `${base}/instances/StreamsInstance`
})

afterAll(async () => {
  await agent?.destroy()
  await lab?.[Symbol.asyncDispose]()
})

const get = async (url: string): Promise<Body> => (await call(url)).json

describe('the management API', () => {
  it('leads from the root to everything by its own URIs', async () => {
    const root = await get(`${base}/resources`)
    expect(root.resourceType).toBe('resourceList')
    const seen = new Set<string>()
    const queue: string[] = root.resources.map((entry) => entry.resource)
    const types = new Set<string>()
    const visit = (value: unknown): void => {
      if (typeof value === 'string' && value.startsWith('https://')) queue.push(value)
      else if (Array.isArray(value)) value.forEach(visit)
      else if (typeof value === 'object' && value !== null) {
        if ('resourceType' in value) types.add(String(value.resourceType))
        Object.values(value).forEach(visit)
      }
    }
    while (queue.length > 0) {
      const url = queue.pop() ?? ''
      if (seen.has(url)) continue
      seen.add(url)
      expect(url.startsWith(base)).toBe(true)
      if (url.endsWith('/applicationbundles')) continue
      const reply = await call(url)
      expect(`${reply.status} ${url}`).toBe(`200 ${url}`)
      visit(reply.json)
    }
    expect([...types]).toEqual(
      expect.arrayContaining(
        // prettier-ignore
        ['activeService', 'activeServiceList', 'domain', 'host', 'instance', 'job', 'jobGroup', 'jobList', 'metric', 'metricList', 'operator',
         'operatorConnection', 'operatorInputPort', 'operatorOutputPort', 'operatorList', 'pe', 'peConnection', 'peInputPort', 'peList',
         'resource', 'resourceAllocation', 'resourceAllocationList', 'viewList'],
      ),
    )
  })

  it('pages through a collection with next and previous', async () => {
    const all = (await get(`${instance}/operators`)).operators.map((o) => o.name)
    expect(all).toEqual([...all].sort())
    expect(all).toContain('CrossDCFailover.CrossDataCenterReceiver[1]')
    const names: string[] = []
    let pages = 0
    let url: string | undefined = `${instance}/operators?count=5&fields=name`
    for (; url !== undefined; pages++) {
      const page: Body = await get(url)
      expect(page.total).toBe(all.length)
      expect(Object.keys(first(page.operators))).toEqual(['name'])
      expect('previous' in page).toBe(pages > 0)
      names.push(...page.operators.map((o) => o.name))
      url = page.next
    }
    expect(names).toEqual(all)
    expect(pages).toBe(Math.ceil(all.length / 5))
    const last = await get(`${instance}/operators?count=5&page=-1`)
    expect(last.operators.at(-1)?.name).toBe(all.at(-1))
    expect('next' in last).toBe(false)
  })

  it('filters, selects and sorts as the reference says, and ignores what it does not know', async () => {
    const some = await get(`${instance}/operators?name=Ingest,Logic&operatorKind=spl.utility::Custom&nonsense=1`)
    expect(some.operators.map((o) => o.name)).toEqual(['Logic'])
    const ofPe = await get(`${instance}/operators?pe.restid=1&job.restid=1`)
    expect(ofPe.operators.map((o) => o.name)).toEqual(['Ingest'])
    expect(await get(`${instance}/pes?listFields=total`)).toEqual({ total: 4 })
    const sorted = await get(`${instance}/pes?sort=desc.id&fields=id&count=x`)
    expect(sorted.pes.map((pe) => pe.id)).toEqual(['4', '3', '2', '1'])
    expect(await get(`${instance}?fields=id,activeVersion.productVersion`)).toEqual({
      id: 'StreamsInstance',
      activeVersion: { productVersion: '7.2.0.0' },
    })
    expect((await get(`${instance}/jobs?name=nothing`)).jobs).toEqual([])
  })

  it('shows a job, its processing elements and operators', async () => {
    const job = first((await get(`${instance}/jobs`)).jobs)
    expect(job).toMatchObject({
      id: '1',
      status: 'running',
      health: 'healthy',
      name: 'failover-app',
      jobGroup: 'default',
    })
    expect(job.submitParameters.find((p) => p.name === 'acknowledge')).toMatchObject({
      value: 'delivered',
      required: false,
    })
    const pe = await get(`${instance}/pes/1`)
    expect(pe).toMatchObject({
      status: 'running',
      statusReason: 'none',
      health: 'healthy',
      launchCount: 1,
      indexWithinJob: 0,
    })
    const pids = (await processes(lab)).filter((p) => p.dc === 'east').map((p) => String(p.pid))
    expect(pids).toContain(pe.processId)
    const channel = await get(
      `${job.self}/operators/${encodeURIComponent('CrossDCFailover.CrossDataCenterSender2[1]')}`,
    )
    expect(channel).toMatchObject({ channel: 1, logicalName: 'CrossDCFailover.CrossDataCenterSender2' })
  })

  it('samples metrics periodically, and goes stale for a process that hangs', async () => {
    const tick = `${instance}/jobs/1/operators/CrossDCFailover.HeartbeatSignalGenerator/outputports/0/metrics?name=nTuplesSubmitted`
    const ticks = await until('ticks', async () => {
      const { metrics } = await get(tick)
      return metrics.find((metric) => metric.value > 0)
    })
    expect(ticks).toMatchObject({ metricKind: 'counter', metricType: 'system', resourceType: 'metric' })
    const snapshot = await get((await get(`${instance}/jobs/1`)).metricsSnapshot)
    expect(snapshot.lastTimeRetrieved).toBeGreaterThanOrEqual(ticks.lastTimeRetrieved)
    const pe = first(first(snapshot.jobs).pes, (one) => one.id === '4')
    expect(pe).toMatchObject({ launchCount: 1, status: 'running', health: 'healthy' })
    const operator = first(pe.operators, (o) => o.name === 'CrossDCFailover.HeartbeatMessagePreparer')
    const port = first(operator.outputPorts)
    expect(port.indexWithinOperator).toBe(0)
    expect(port.metrics.map((m) => m.name)).toContain('nTuplesSubmitted')

    process.kill(Number(pe.processId), 'SIGSTOP')
    try {
      const stamp = async (): Promise<{ all: number; one: number; status: string }> => {
        const { lastTimeRetrieved, jobs } = await get(`${instance}/jobs/1/metricssnapshot`)
        const stopped = first(first(jobs).pes, (one) => one.id === '4')
        return { all: lastTimeRetrieved, one: stopped.lastTimeRetrieved, status: stopped.status }
      }
      const then = await until('staleness', async () => {
        const s = await stamp()
        return s.all - s.one > 100 && s
      })
      const later = await until('more rounds', async () => {
        const s = await stamp()
        return s.all > then.all && s
      })
      expect(later.one).toBe(then.one)
      expect(later.status).toBe('running')
    } finally {
      process.kill(Number(pe.processId), 'SIGCONT')
    }
    await until('fresh metrics', async () => {
      const { lastTimeRetrieved, jobs } = await get(`${instance}/metricssnapshot`)
      return first(first(jobs).pes, (one) => one.id === '4').lastTimeRetrieved === lastTimeRetrieved
    })
  })

  it('stops and starts a processing element; its counters begin anew', async () => {
    const url = `${instance}/pes/3`
    const stopped = await call(url, { method: 'PATCH', body: { state: 'stopped' } })
    expect(stopped.json).toMatchObject({
      status: 'stopped',
      statusReason: 'userRequest',
      health: 'unhealthy',
      processId: '',
    })
    expect((await get(`${instance}/jobs/1`)).health).toBe('partiallyUnhealthy')
    await call(url, { method: 'PATCH', body: { state: 'started' } })
    await until('health', async () => (await get(url)).health === 'healthy')
    const restarted = await call(`${url}/actions`, { method: 'POST', body: { type: 'restart' } })
    expect(restarted.status).toBe(200)
    await until('health', async () => (await get(`${instance}/jobs/1`)).health === 'healthy')
    expect((await get(url)).launchCount).toBe(3)
  })

  it('keeps application configurations', async () => {
    const url = `${instance}/applicationconfigurations`
    const made = await call(url, {
      method: 'POST',
      body: { name: 'CrossDCFailover', description: 'd', properties: { a: '1', b: '2' } },
    })
    expect(made.status).toBe(201)
    expect((await call(url, { method: 'POST', body: { name: 'CrossDCFailover' } })).status).toBe(409)
    const changed = await call(made.json.self, { method: 'PATCH', body: { properties: { a: null, c: '3' } } })
    expect(changed.json).toMatchObject({ description: 'd', properties: { b: '2', c: '3' } })
    expect((await call(made.json.self, { method: 'DELETE' })).status).toBe(204)
    expect((await get(url)).applicationConfigurations).toEqual([])
  })

  it('serves traces, console logs and an archive of both', async () => {
    const trace = await until('a trace line', async () => (await call(`${instance}/pes/4/applicationtrace`)).text)
    expect(trace).toContain('_XXXXX_')
    expect((await call(`${instance}/pes/4/consolelog`)).headers['content-type']).toContain('text/plain')
    const archive = await call(`${instance}/jobs/1/applicationlogtrace`)
    expect(archive.headers['content-type']).toBe('application/x-compressed')
    const names = [
      ...gunzipSync(archive.bytes)
        .toString('latin1')
        .matchAll(/job\.1\/pe\.\d\.(?:console|trace)/g),
    ]
    expect(names.map(String)).toContain('job.1/pe.4.trace')
  })

  it('uploads, previews, submits, changes and cancels', async () => {
    const sab = await readFile(lab.sites.east.bundle)
    const upload = await call(`${instance}/applicationbundles`, {
      method: 'POST',
      body: sab,
      type: 'application/x-jar',
    })
    expect(upload.status).toBe(200)
    expect(upload.json.bundleId).toMatch(/^bundleId:[0-9a-f]{56}$/)
    const { self } = first((await get(`${instance}/jobs`)).jobs)
    expect((await call(self, { method: 'DELETE' })).status).toBe(204)
    expect((await call(self, { method: 'DELETE' })).status).toBe(404)
    expect(first((await call(self)).json.messages).id).toBe('CDISA5230E')
    const submissionParameters = Object.entries(lab.sites.east.parameters).map(([name, value]) => ({ name, value }))
    const overlay = { jobConfigOverlays: [{ jobConfig: { jobName: 'again', submissionParameters } }] }
    const body = { application: upload.json.bundleId, jobConfigurationOverlay: overlay }
    const preview = await call(`${instance}/jobs`, { method: 'POST', body: { ...body, preview: true } })
    expect(preview.json.jobConfigurationOverlay.results).toEqual({})
    const submitted = await call(`${instance}/jobs`, { method: 'POST', body: { ...body, preview: false } })
    expect(submitted.status).toBe(201)
    expect(submitted.json).toMatchObject({ id: '2', name: 'again' })
    const twice = await call(`${instance}/jobs`, { method: 'POST', body })
    expect(twice.status).toBe(409)
    await until('health', async () => (await get(submitted.json.self)).health === 'healthy')
    const patched = await call(submitted.json.self, { method: 'PATCH', body: { jobConfigurationOverlay: overlay } })
    expect(patched.json).toMatchObject({ generationId: 2, results: {} })
  })
})

describe('a refusal', () => {
  const jobs = (body: object | string): [string, Call] => [`${instance}/jobs`, { method: 'POST', body }]

  it.each<[string, () => [string, Call?], number, string]>([
    ['of wrong credentials', () => [`${instance}`, { auth: 'labadmin:wrong' }], 401, 'CDISW5001E'],
    ['of an unknown URL', () => [`${base}/nothing`], 404, 'CDISA5018E'],
    ['of a URL outside the base path', () => [`${new URL(base).origin}/`], 404, 'CDISA5018E'],
    ['of an unknown domain', () => [`${base}/domains/other`], 404, 'CDISW5000E'],
    ['of an unknown instance', () => [`${base}/instances/other`], 404, 'CDISA5071E'],
    ['of an unknown job', () => [`${instance}/jobs/99`], 404, 'CDISA5230E'],
    ['of an unknown processing element', () => [`${instance}/pes/99`], 404, 'CDISW5000E'],
    ['of a method', () => [`${instance}/pes`, { method: 'DELETE' }], 405, 'CDISA5018E'],
    [
      'of a bundle of another type',
      () => [`${instance}/applicationbundles`, { method: 'POST', body: '{}' }],
      415,
      'CDISA5021E',
    ],
    [
      'of a malformed bundle',
      () => [`${instance}/applicationbundles`, { method: 'POST', body: 'PK', type: 'application/x-jar' }],
      400,
      'CDISA5360E',
    ],
    ['of an unknown bundle', () => jobs({ application: `bundleId:${'0'.repeat(56)}` }), 400, 'CDISA5360E'],
    ['of a body that is not JSON', () => jobs('{'), 400, 'CDISW5014E'],
    ['of an action without a type', () => [`${instance}/actions`, { method: 'POST', body: {} }], 400, 'CDISW5011E'],
    [
      'of an unknown action',
      () => [`${instance}/pes/1/actions`, { method: 'POST', body: { type: 'dance' } }],
      400,
      'CDISW5013E',
    ],
    [
      'of an unknown action on a host',
      () => [`${base}/domains/StreamsDomain/resources/east-host/actions`, { method: 'POST', body: { type: 'dance' } }],
      400,
      'CDISW5012E',
    ],
    [
      'of quiescing an unknown host',
      () => [`${base}/domains/StreamsDomain/resources/nobody/actions`, { method: 'POST', body: { type: 'quiesce' } }],
      404,
      'CDISW5000E',
    ],
    [
      'of starting what is started',
      () => [instance, { method: 'PATCH', body: { state: 'started' } }],
      409,
      'CDISA5073E',
    ],
    ['of an unknown state', () => [instance, { method: 'PATCH', body: { state: 'asleep' } }], 400, 'CDISA5037E'],
  ])('%s', async (_, request, status, id) => {
    const [url, options] = request()
    const reply = await call(url, options)
    expect([reply.status, first(reply.json.messages).id]).toEqual([status, id])
    expect(first(reply.json.messages).message.startsWith(id)).toBe(true)
    if (status === 401) expect(reply.headers['www-authenticate']).toContain('Basic')
  })
})

describe('an instance that is stopped', () => {
  it('answers for itself, refuses all below, and comes back without its jobs', async () => {
    const own = await temporaryLab({
      submit: false,
      dialect: { enums: 'upperSnake', errors: 'flat', basePath: '/streams/rest' },
    })
    try {
      const ask = caller(own.sites.west, agentOf(own))
      const url = `${own.sites.west.managementUrl}/rest/instances/StreamsInstance`
      expect((await ask(url)).json.status).toBe('RUNNING')
      const stopping = await ask(url, { method: 'PATCH', body: { state: 'stopped' } })
      expect(stopping.json.status).toBe('STOPPING')
      await until('the stop', async () => (await ask(url)).json.status === 'STOPPED')
      const refused = await ask(`${url}/jobs`)
      expect([refused.status, refused.json.id]).toEqual([409, 'CDISA5072E'])
      await expect(ask(own.sites.west.dataUrl)).rejects.toThrow()
      await control(own, 'power', 'off', 'west')
      await control(own, 'power', 'on', 'west')
      expect((await ask(url)).json.status).toBe('STOPPED')
      await ask(url, { method: 'PATCH', body: { state: 'started' } })
      await until('the start', async () => (await ask(url)).json.status === 'RUNNING')
      expect((await ask(`${url}/jobs`)).json.jobs).toEqual([])
      expect((await ask(own.sites.west.dataUrl)).json).toEqual({ jobs: [] })
    } finally {
      await own[Symbol.asyncDispose]()
    }
  })
})
