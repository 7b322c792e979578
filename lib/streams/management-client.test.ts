import { describe, expect, it } from 'vitest'
import { Secret, TimeoutError } from '../core/index.ts'
import { defineDialect } from './dialect.ts'
import { ConflictError, JobLostError, MalformedAnswerError, NotFoundError } from './errors.ts'
import { openManagement } from './management-client.ts'
import type { ManagementOptions } from './management.ts'
import { startDouble } from './testing/rest-double.ts'
import { sendJson, startServer } from './testing/server.ts'

function open(url: string, options: Partial<ManagementOptions> = {}) {
  return openManagement({
    dc: 'east',
    url,
    credentials: { username: 'u', password: new Secret('canary-management') },
    retry: { base: '1ms', cap: '5ms' },
    ...options,
  })
}

describe('navigation', () => {
  it('reads everything there is, by links alone', async () => {
    await using double = await startDouble({ origin: 'https://internal.example:9714' })
    const id = double.submit('app')
    await using client = open(double.base)
    expect((await client.root()).resources.map((entry) => entry.name)).toEqual(['instances', 'domains'])
    expect((await client.domains()).map((domain) => domain.id)).toEqual(['dom'])
    expect((await client.domain()).id).toBe('dom')
    expect((await client.instances()).map((instance) => instance.id)).toEqual(['inst'])
    expect(await client.instance()).toMatchObject({
      id: 'inst',
      status: 'running',
      health: 'healthy',
      extra: { kept: true },
    })
    expect(await client.hosts()).toMatchObject([{ id: 'h1', status: 'running' }])
    expect(await client.allocations()).toMatchObject([{ schedulerStatus: 'notApplicable' }])
    expect(await client.services()).toMatchObject([{ type: 'sam', leader: false, status: 'waiting' }])
    expect(await client.jobs()).toMatchObject([{ id, name: 'app' }])
    expect(await client.pes({ job: id })).toHaveLength(3)
    expect(await client.pes()).toMatchObject([{ processId: '4711' }, {}, {}])
    expect((await client.operators()).map((operator) => operator.name)).toEqual(['Ingest', 'Logic', 'Results'])
    const operator = await client.operator(id, 'Logic')
    expect(await client.outputPorts(operator)).toEqual([])
    const [port] = await client.inputPorts(operator)
    expect(await client.metrics(port ?? {})).toMatchObject([{ value: 9007199254740993n, metricKind: 'counter' }])
    expect(await client.metrics(operator, { name: 'nSent' })).toMatchObject([{ name: 'nSent', metricType: 'custom' }])
    expect(await client.peConnections()).toMatchObject([{ status: 'connected' }])
    expect(await client.operatorConnections()).toHaveLength(1)
    expect(await client.exportedStreams()).toEqual([])
    expect(await client.importedStreams()).toEqual([])
    const [view] = await client.views()
    expect(await client.viewItems(view ?? {})).toMatchObject([{ data: { x: 1 } }])
    expect(await client.applicationTrace(`${id}0`)).toBe(`trace of ${id}0`)
    expect(await client.consoleLog(`${id}0`)).toBe(`console of ${id}0`)
    expect([...(await client.jobLogs(id))]).toEqual([0x1f, 0x8b, 0, 1])
    expect(client.notices).toEqual([])
  })

  it.each([
    ['/streams/rest', '/streams'],
    ['/streams', '/streams/rest'],
    ['', '/streams'],
  ])('a wrong base path %j is corrected to %s, and said so', async (given, served) => {
    await using double = await startDouble({ basePath: served })
    const root = new URL(double.base).origin
    await using client = open(`${root}${given}`)
    expect((await client.instance()).id).toBe('inst')
    expect(client.url).toBe(double.base)
    expect(client.notices).toHaveLength(1)
    expect(client.notices[0]).toContain(`using ${double.base}`)
  })

  it('says so when nothing Streams-like is there', async () => {
    await using server = await startServer((_, response) => sendJson(response, '', 404))
    await using client = open(`${server.url}/elsewhere`)
    const error: unknown = await client.root().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(NotFoundError)
    expect((error as Error).message).toContain('also tried /streams, /streams/rest')
    await using page = await startServer((_, response) =>
      sendJson(response, '<html>hello</html>', 200, { 'content-type': 'text/html' }),
    )
    await using other = open(`${page.url}/streams`)
    await expect(other.instance()).rejects.toBeInstanceOf(MalformedAnswerError)
  })

  it('names an instance, job or operator that is not there, and what is', async () => {
    await using double = await startDouble()
    const id = double.submit('app')
    await using wrong = open(double.base, { instance: 'nope' })
    await expect(wrong.jobs()).rejects.toThrow(/there is no instance "nope"/)
    await using client = open(double.base)
    await expect(client.job('99')).rejects.toBeInstanceOf(NotFoundError)
    await expect(client.operator(id, 'Nope')).rejects.toThrow(/no operator "Nope".*Ingest, Logic, Results/)
    await expect(client.inputPorts({ self: 'x' })).rejects.toThrow(/no link "inputPorts"/)
  })

  it('finds its way again after the service moved and forgot', async () => {
    await using first = await startDouble()
    await using second = await startDouble({ basePath: '/streams/rest' })
    first.submit('app')
    second.submit('app')
    let url = first.base
    await using client = open(first.base, { resolveUrl: () => url })
    expect(await client.jobs()).toHaveLength(1)
    url = second.base
    await first[Symbol.asyncDispose]()
    // Remembered links name the old path: the first call may fail, the next one starts from the directory.
    await client.jobs().then(undefined, () => undefined)
    expect(await client.jobs()).toHaveLength(1)
    expect(client.url).toBe(second.base)
  })
})

describe('a server that spells otherwise', () => {
  it('in upper snake, flat errors, another base path and actions', async () => {
    await using double = await startDouble({
      spelling: 'upperSnake',
      errors: 'flat',
      basePath: '/streams/rest',
      actions: true,
      snapshots: false,
    })
    const action = (type: string) => ({ method: 'POST', target: 'actions', body: { type } }) as const
    const dialect = defineDialect({
      name: 'capture',
      calls: {
        startInstance: action('start'),
        stopInstance: action('stop'),
        stopPe: action('stop'),
        startPe: action('start'),
      },
    })
    await using client = open(`${new URL(double.base).origin}/streams`, { dialect })
    const id = double.submit('app')
    expect(await client.instance()).toMatchObject({ status: 'running', health: 'healthy' })
    expect(await client.allocations()).toMatchObject([{ schedulerStatus: 'notApplicable' }])
    expect(await client.jobs({ where: { status: 'running' } })).toHaveLength(1)
    expect(await client.stopPe(`${id}1`)).toMatchObject({ status: 'stopped' })
    expect(await client.startPe(`${id}1`)).toMatchObject({ status: 'running' })
    expect(await client.stopInstance()).toMatchObject({ status: 'stopped' })
    await expect(client.jobs()).rejects.toMatchObject({ code: 'STREAMS_INSTANCE_NOT_STARTED', messageId: 'CDISA5072E' })
    expect(await client.startInstance()).toMatchObject({ status: 'running' })
  })
})

describe('changes', () => {
  it('instance: stop, start, and start again', async () => {
    await using double = await startDouble()
    await using client = open(double.base)
    expect((await client.stopInstance()).status).toBe('stopped')
    expect((await client.startInstance()).status).toBe('running')
    // CDISA5073E: what was asked for is so.
    expect((await client.startInstance()).status).toBe('running')
  })

  it('PE: stop, start, restart', async () => {
    await using double = await startDouble()
    const id = double.submit('app')
    await using client = open(double.base)
    const pe = await client.pe(`${id}0`)
    expect((await client.stopPe(pe)).status).toBe('stopped')
    expect(await client.startPe(pe)).toMatchObject({ status: 'running', launchCount: 2 })
    expect(await client.restartPe(pe)).toMatchObject({ status: 'running', launchCount: 3 })
  })

  it('a restart whose answer is lost is not sent again, but watched for', async () => {
    await using double = await startDouble({
      intercept: (request, _, self) => {
        if (!request.url?.endsWith('/actions')) return false
        const pe = self.jobs.get('1')?.pes[0]
        if (pe) pe.launchCount++
        request.socket.destroy()
        return true
      },
    })
    const id = double.submit('app')
    await using client = open(double.base)
    expect(await client.restartPe(`${id}0`)).toMatchObject({ launchCount: 2 })
    expect(double.requests.filter((request) => request.startsWith('POST'))).toHaveLength(1)
    expect(client.notices.join()).toContain('watching for its effect')
  })

  it('host: quiesce and resume', async () => {
    await using double = await startDouble()
    await using client = open(double.base)
    expect((await client.quiesceHost('h1')).status).toBe('quiesced')
    expect((await client.resumeHost('h1')).status).toBe('running')
  })

  it('a change that never comes ends with what was seen', async () => {
    await using double = await startDouble({
      intercept: (request, response) => {
        if (request.method !== 'PATCH') return false
        sendJson(response, {})
        return true
      },
    })
    await using client = open(double.base)
    const error: unknown = await client.stopInstance({ within: '400ms' }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TimeoutError)
    expect((error as Error).message).toContain('instance inst is running')
  })
})

describe('jobs', () => {
  it('wait until healthy', async () => {
    await using double = await startDouble()
    const id = double.submit('app')
    const job = double.jobs.get(id)
    await using client = open(double.base)
    if (job) job.health = 'partiallyUnhealthy'
    const seen: string[] = []
    const healthy = await client.waitHealthy(id, {
      within: '5s',
      every: '10ms',
      onAttempt: (text) => {
        seen.push(text)
        if (job) job.health = 'healthy'
      },
    })
    expect(healthy).toMatchObject({ id, health: 'healthy' })
    expect(seen).toEqual([`job ${id} is running, partiallyUnhealthy`])
  })

  it('give up at once on a job that is gone or failed', async () => {
    await using double = await startDouble()
    const id = double.submit('app')
    await using client = open(double.base)
    const job = await client.job(id)
    const held = double.jobs.get(id)
    if (held) held.status = 'failed'
    await expect(client.waitHealthy(job, { within: '30s' })).rejects.toBeInstanceOf(JobLostError)
    double.jobs.delete(id)
    await expect(client.waitHealthy(job, { within: '30s' })).rejects.toBeInstanceOf(NotFoundError)
  })

  it('cancel, and cancel again', async () => {
    await using double = await startDouble()
    const id = double.submit('app')
    await using client = open(double.base)
    const job = await client.job(id)
    expect(await client.cancelJob(job)).toBe('cancelled')
    expect(await client.cancelJob(job)).toBe('gone')
    expect(await client.cancelJob(id)).toBe('gone')
  })

  it('are found by name, patched by an overlay', async () => {
    await using double = await startDouble()
    double.submit('other')
    const id = double.submit('app')
    await using client = open(double.base)
    expect((await client.findJob('app'))?.id).toBe(id)
    expect(await client.findJob('nope')).toBeUndefined()
    expect(await client.patchJob(id, { operatorConfigs: {} })).toEqual({
      results: { jobConfigurationOverlay: { jobConfigOverlays: [{ operatorConfigs: {} }] } },
    })
  })

  it('several instances without a name are a conflict', async () => {
    await using double = await startDouble({
      intercept: (request, response) => {
        if (request.url !== '/streams/instances') return false
        sendJson(response, {
          instances: [
            { id: 'a', self: '/a' },
            { id: 'b', self: '/b' },
          ],
        })
        return true
      },
    })
    await using client = open(double.base)
    await expect(client.jobs()).rejects.toBeInstanceOf(ConflictError)
    await expect(client.jobs()).rejects.toThrow(/2 instances: a, b/)
  })
})

describe('metrics at once', () => {
  it.each([true, false])('with snapshots: %s', async (snapshots) => {
    await using double = await startDouble({ snapshots })
    const id = double.submit('app')
    await using client = open(double.base)
    for (const options of [{ job: id }, {}]) {
      const snapshot = await client.metricsSnapshot(options)
      expect(snapshot.source).toBe(snapshots ? 'snapshot' : 'walk')
      expect(snapshot.lastTimeRetrieved).toBe(snapshots ? 2000 : 1700)
      expect(snapshot.answered).toBeGreaterThan(snapshot.asked)
      const [job] = snapshot.jobs
      expect(
        job?.pes.map((pe) => [pe.id, pe.launchCount, pe.status, pe.operators.map((operator) => operator.name)]),
      ).toEqual([
        [`${id}0`, 1, 'running', ['Ingest']],
        [`${id}1`, 1, 'running', ['Logic']],
        [`${id}2`, 1, 'running', ['Results']],
      ])
      const value = job?.pes[1]?.operators[0]?.inputPorts[0]?.metrics.find(
        (metric) => metric.name === 'nTuplesProcessed',
      )?.value
      expect(value).toBe(snapshots ? 42 : 9007199254740993n)
    }
    expect(client.notices).toHaveLength(snapshots ? 0 : 1)
  })

  it('walk when the link leads nowhere', async () => {
    await using double = await startDouble({
      intercept: (request, response) => {
        if (!request.url?.endsWith('metricssnapshot')) return false
        sendJson(response, '', 404)
        return true
      },
    })
    double.submit('app')
    await using client = open(double.base)
    expect((await client.metricsSnapshot()).source).toBe('walk')
  })
})

describe('application configurations', () => {
  it('create, read, patch, delete', async () => {
    await using double = await startDouble()
    await using client = open(double.base)
    const { applicationConfigurations: configurations } = client
    await configurations.create({ name: 'crossdc', properties: { heartbeatExchangeInterval: '1', old: 'x' } })
    expect((await configurations.get('crossdc')).properties).toEqual({ heartbeatExchangeInterval: '1', old: 'x' })
    expect((await configurations.patch('crossdc', { heartbeatExchangeInterval: '2', old: null })).properties).toEqual({
      heartbeatExchangeInterval: '2',
    })
    expect(await configurations.list()).toHaveLength(1)
    expect(await configurations.delete('crossdc')).toBe('deleted')
    expect(await configurations.delete('crossdc')).toBe('gone')
    await expect(configurations.get('crossdc')).rejects.toBeInstanceOf(NotFoundError)
  })
})
