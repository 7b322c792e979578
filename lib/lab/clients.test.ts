import { mkdtemp, rm } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, Secret } from '../core/index.ts'
import {
  BundleMissingError,
  ConflictError,
  defineDialect,
  InstanceNotStartedError,
  NotFoundError,
  openDataExchange,
  openManagement,
  RecordError,
  RejectedError,
  UnauthorizedError,
  UnreachableError,
  type DataExchangeClient,
  type Endpoint,
  type ManagementClient,
  type StreamsError,
} from '../streams/index.ts'
import { openTransport } from '../streams/http.ts'
import { walkMetrics } from '../streams/metrics-walk.ts'
import { createNavigator } from '../streams/navigation.ts'
import { createAuthority } from '../streams/testing/certificates.ts'
import { startEmbeddedLab, type DcName, type EmbeddedLab } from './embedded/index.ts'

let directory: string
let lab: EmbeddedLab
let east: ManagementClient
let data: DataExchangeClient
let ingest: Endpoint
let results: Endpoint

const management = (dc: DcName, more: object = {}): ManagementClient => {
  const { managementUrl: url, username, password, ca } = lab.sites[dc]
  return openManagement({ dc, url, credentials: { username, password }, tls: { ca }, ...more })
}
const exchange = (dc: DcName, more: object = {}): DataExchangeClient => {
  const { dataUrl: url, username, password, ca } = lab.sites[dc]
  return openDataExchange({ dc, url, credentials: { username, password }, tls: { ca }, ...more })
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'failover-clients-'))
  lab = await startEmbeddedLab({ directory: join(directory, 'lab') })
  east = management('east')
  data = exchange('east')
  ;[ingest, results] = await Promise.all([
    data.endpoint({ operator: 'Ingest', direction: 'inject' }, { within: '20s' }),
    data.endpoint({ operator: 'Results', direction: 'inspect' }, { within: '20s' }),
  ])
})

afterAll(async () => {
  await east?.[Symbol.asyncDispose]()
  await data?.[Symbol.asyncDispose]()
  await lab?.[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const keySeqs = new Map<string, number>()
let seq = 0

function tuple(home: DcName, key = `${home}-1`) {
  const keySeq = (keySeqs.get(key) ?? 0) + 1
  keySeqs.set(key, keySeq)
  seq++
  const checksum = crc32(`${seq}|${key}|${home}|${keySeq}|1|payload`)
  return { seq, key, home, keySeq, sentAt: 1.5, value: 1, payload: 'payload', checksum }
}

/** Reads until as many tuples were seen, which is what lets a consuming sink acknowledge. */
async function collect(count: number, endpoint = results): Promise<Record<string, unknown>[]> {
  const seen: Record<string, unknown>[] = []
  await eventually(
    async (signal) => {
      seen.push(...(await data.read(endpoint, { signal })).items)
      return seen.length >= count ? { done: true, value: 0 } : { done: false, seen: `${seen.length} tuples` }
    },
    { within: '20s', every: '10ms', describe: `${count} tuples` },
  )
  return seen
}

async function failure(work: PromiseLike<unknown>): Promise<Error> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

describe('the management client', () => {
  it('walks the whole tree by its links', async () => {
    const site = lab.sites.east
    expect((await east.root()).resources.map((entry) => entry.name)).toContain('instances')
    expect((await east.domains()).map((domain) => domain.id)).toEqual([site.domain])
    expect(await east.domain()).toMatchObject({ status: 'running' })
    expect((await east.instances()).map((instance) => instance.id)).toEqual([site.instance])
    expect(await east.instance()).toMatchObject({ id: site.instance, status: 'running' })
    expect((await east.hosts()).every((host) => host.status === 'running')).toBe(true)
    expect((await east.allocations()).length).toBeGreaterThan(0)
    expect((await east.services()).map((service) => service.type)).toContain('sam')
    const job = await east.findJob(site.jobName)
    expect(job).toMatchObject({ name: site.jobName, status: 'running', health: 'healthy' })
    const ref = job ?? ''
    const pes = await east.pes({ job: ref })
    expect(pes).toHaveLength(4)
    for (const pe of pes)
      expect(pe).toMatchObject({ status: 'running', health: 'healthy', launchCount: 1, statusReason: 'none' })
    for (const pe of pes) expect(Number(pe.processId)).toBeGreaterThan(1)
    const operators = await east.operators({ job: ref })
    expect(operators.map((operator) => operator.name)).toEqual(expect.arrayContaining(['Ingest', 'Logic', 'Results']))
    const sink = await east.operator(ref, 'Results')
    const [port] = await east.inputPorts(sink)
    const metrics = await east.metrics(port ?? {})
    expect(metrics.find((metric) => metric.name === 'nTuplesProcessed')).toMatchObject({
      metricKind: 'counter',
      metricType: 'system',
    })
    expect(await east.metrics(port ?? {}, { name: 'nTuplesProcessed' })).toHaveLength(1)
    expect(await east.outputPorts(await east.operator(ref, 'Ingest'))).toHaveLength(1)
    expect((await east.peConnections()).length).toBeGreaterThan(0)
    expect((await east.operatorConnections({ job: ref })).length).toBeGreaterThan(0)
    expect(await east.views()).toEqual([])
    expect(await east.exportedStreams()).toEqual([])
    expect(typeof (await east.applicationTrace(pes[0] ?? ''))).toBe('string')
    expect(typeof (await east.consoleLog(pes[0] ?? ''))).toBe('string')
    expect([...(await east.jobLogs(ref)).subarray(0, 2)]).toEqual([0x1f, 0x8b])
    expect(east.notices).toEqual([])
  })

  it('pages, filters and asks for some properties', async () => {
    const paged: string[] = []
    for await (const pe of east.pes({ pageSize: 1 })) paged.push(pe.id)
    expect(paged).toEqual((await east.pes()).map((pe) => pe.id))
    expect(await east.pes({ where: { id: paged.slice(0, 2) } })).toHaveLength(2)
    expect(await east.pes({ where: { health: 'healthy' } })).toHaveLength(4)
    const [job] = await east.jobs({ fields: ['health'] })
    expect(job).toMatchObject({ name: lab.sites.east.jobName, health: 'healthy', status: 'unknown' })
  })

  it('reads all metrics at once, and the same by walking', async () => {
    const job = (await east.findJob(lab.sites.east.jobName)) ?? ''
    const snapshot = await east.metricsSnapshot({ job })
    expect(snapshot.source).toBe('snapshot')
    expect(snapshot.lastTimeRetrieved).toBeGreaterThan(0)
    expect(snapshot.answered).toBeGreaterThan(snapshot.asked)
    const pes = snapshot.jobs[0]?.pes ?? []
    expect(pes).toHaveLength(4)
    for (const pe of pes) expect(pe).toMatchObject({ launchCount: 1, status: 'running', health: 'healthy' })
    const names = pes.flatMap((pe) => pe.operators.map((operator) => operator.name)).sort()
    const { managementUrl: url, username, password, ca } = lab.sites.east
    await using transport = openTransport({ dc: 'east', url, credentials: { username, password }, tls: { ca } })
    const walked = await walkMetrics(createNavigator(transport, undefined), job, {})
    expect(walked.jobs[0]?.pes.flatMap((pe) => pe.operators.map((operator) => operator.name)).sort()).toEqual(names)
  })

  it('keeps application configurations', async () => {
    const { applicationConfigurations: configurations } = east
    await configurations.create({ name: 'crossdc', properties: { a: '1', b: '2' } })
    expect((await configurations.patch('crossdc', { a: null, b: '3' })).properties).toEqual({ b: '3' })
    await expect(configurations.create({ name: 'crossdc', properties: {} })).rejects.toBeInstanceOf(ConflictError)
    expect(await configurations.delete('crossdc')).toBe('deleted')
    expect(await configurations.delete('crossdc')).toBe('gone')
  })

  it('quiesces a host and resumes it', async () => {
    const [host] = await east.hosts()
    expect(await east.quiesceHost(host ?? '', { within: '20s' })).toMatchObject({ status: 'quiesced' })
    expect(await east.resumeHost(host ?? '', { within: '20s' })).toMatchObject({ status: 'running' })
    await eventually(
      async (signal) => {
        const job = await east.findJob(lab.sites.east.jobName, { signal })
        return job?.health === 'healthy' ? { done: true, value: 0 } : { done: false, seen: String(job?.health) }
      },
      { within: '30s', every: '50ms', describe: 'a healthy job' },
    )
  })

  it('stops, starts and restarts a PE, whose launches count up', async () => {
    const job = (await east.findJob(lab.sites.east.jobName)) ?? ''
    const [pe] = await east.pes({ job })
    const before = pe?.launchCount ?? 0
    const ref = pe ?? ''
    expect(await east.stopPe(ref, { within: '20s' })).toMatchObject({ status: 'stopped', statusReason: 'userRequest' })
    expect(await east.startPe(ref, { within: '20s' })).toMatchObject({ status: 'running' })
    const restarted = await east.restartPe(ref, { within: '20s' })
    expect(restarted.launchCount).toBeGreaterThan(before + 1)
    expect(restarted.processId).not.toBe(pe?.processId)
    expect(await east.waitHealthy(job, { within: '30s' })).toMatchObject({ health: 'healthy' })
  })
})

describe('the data exchange client', () => {
  it('finds endpoints with schemas and parameters', async () => {
    const { jobs } = await data.discover()
    expect(jobs.map((job) => job.name)).toEqual([lab.sites.east.jobName])
    expect(ingest.schema?.fields.map((field) => field.name)).toEqual(Object.keys(tuple('east')))
    expect(ingest.schema?.fields.find((field) => field.name === 'checksum')?.type).toEqual({
      kind: 'integer',
      bits: 32,
      signed: false,
    })
    expect(results.schema?.fields.map((field) => field.name)).toEqual(expect.arrayContaining(['count', 'sum', 'dc']))
    expect(results.parameters).toEqual({ max: 'maxItems', since: 'startTime' })
    expect(data.notices).toEqual([])
  })

  it('injects a batch, sees it, and then has it acknowledged', async () => {
    const items = [tuple('east'), tuple('east'), tuple('east')]
    const sent = data.inject(ingest, items)
    const seen = await collect(3)
    expect(await sent).toMatchObject({ outcome: 'acknowledged', status: 200 })
    expect(seen.map((one) => one['seq'])).toEqual(items.map((one) => one.seq))
    expect(seen.at(-1)).toMatchObject({ dc: 'east', count: 3, sum: 3 })
  })

  it('is refused for work that this data centre does not own', async () => {
    const result = await data.inject(ingest, [tuple('west')])
    expect(result).toMatchObject({ outcome: 'refused', status: 409 })
    expect(result.reason).toContain('west')
  })

  it('checks tuples before it sends them; the service checks them too', async () => {
    const bad = { ...tuple('east'), checksum: -1 }
    await expect(data.inject(ingest, [bad])).rejects.toThrow(/row 1, field checksum: expected uint32, found -1/)
    await expect(data.inject(ingest, [bad])).rejects.toBeInstanceOf(RecordError)
    const { seq: _, ...short } = tuple('east')
    expect(await data.inject(ingest, [short], { validate: false })).toMatchObject({ outcome: 'refused', status: 400 })
  })

  it('tells how many tuples a full buffer dropped', async () => {
    const sent = data.inject(
      ingest,
      Array.from({ length: 1200 }, () => tuple('east', 'flood')),
    )
    let dropped = 0
    let warning: string | undefined
    let seen = 0
    await eventually(
      async (signal) => {
        const answer = await data.read(results, { signal, ...(dropped === 0 && seen === 0 ? { max: 1 } : {}) })
        seen += answer.items.length
        dropped += answer.dropped ?? 0
        warning ??= answer.warning
        return seen + dropped >= 1200
          ? { done: true, value: 0 }
          : { done: false, seen: `${seen} seen, ${dropped} dropped` }
      },
      // The buffer holds 1000: reading one at a time at first lets it overrun.
      { within: '20s', every: '50ms', describe: 'all tuples seen or dropped' },
    )
    expect(dropped).toBeGreaterThan(0)
    expect(warning).toBeTruthy()
    // Some were never delivered: the service cannot say that all were.
    expect((await sent).outcome).toBe('indeterminate')
  })
})

describe('what goes wrong is told', () => {
  const canary = new Secret('wrong-password-canary')

  it.each([
    [
      'management',
      () => management('east', { credentials: { username: lab.sites.east.username, password: canary } }).jobs(),
    ],
    ['data', () => exchange('west', { credentials: { username: 'nobody', password: canary } }).discover()],
  ])('a wrong password (%s)', async (_, call) => {
    const error = await failure(call())
    expect(error).toBeInstanceOf(UnauthorizedError)
    expect(error.message).toMatch(/^(east|west): GET https:.*Check user and password/)
    expect(error.message).not.toContain('canary')
  })

  it('a wrong CA, and none', async () => {
    const other = await createAuthority('someone else')
    for (const tls of [{ ca: other.cert }, {}]) {
      await using client = management('east', { tls })
      const error = await failure(client.root())
      expect(error).toBeInstanceOf(UnreachableError)
      expect(error).toMatchObject({ kind: 'tls', mayHaveReached: false })
      expect(error.message).toContain('`tls.ca`')
    }
    await using refused = exchange('east', { tls: { ca: other.cert } })
    expect(await refused.inject(ingest, [tuple('east')])).toMatchObject({ outcome: 'refused' })
  })

  it('a wrong base path is worked around', async () => {
    const notices: string[] = []
    const origin = new URL(lab.sites.east.managementUrl).origin
    await using client = management('east', {
      url: `${origin}/streams/rest`,
      onNotice: (text: string) => notices.push(text),
    })
    expect((await client.instance()).status).toBe('running')
    // A lab that serves both paths needs no way around.
    if (client.url !== `${origin}/streams/rest`) expect(notices.join()).toContain('Correct the URL')
  })

  it('a missing bundle, a broken one, a taken name', async () => {
    const path = join(directory, 'missing.sab')
    const error = await failure(east.submit({ bundle: path, name: 'other' }))
    expect(error).toBeInstanceOf(BundleMissingError)
    expect(error.message).toContain(path)
    await expect(east.upload(new TextEncoder().encode('nonsense'))).rejects.toBeInstanceOf(RejectedError)
    const { bundle, jobName: name, parameters } = lab.sites.east
    const taken = await failure(east.submit({ bundle, name, parameters }))
    expect(taken).toBeInstanceOf(ConflictError)
    expect(taken.message).toContain(name)
  })

  it('an unknown instance, job, operator and endpoint', async () => {
    await using nowhere = management('east', { instance: 'Nowhere' })
    await expect(nowhere.jobs()).rejects.toThrow(/no instance "Nowhere"/)
    await expect(east.job('4711')).rejects.toBeInstanceOf(NotFoundError)
    const job = (await east.findJob(lab.sites.east.jobName)) ?? ''
    await expect(east.operator(job, 'Nope')).rejects.toThrow(/no operator "Nope".*Ingest/)
    await expect(data.endpoint({ operator: 'Nope', direction: 'inject' })).rejects.toThrow(
      /no endpoint Nope inject.*Ingest/,
    )
  })
})

describe('a cut between us and the data centre', () => {
  const control = async (...words: string[]): Promise<void> => {
    const [node = '', ...args] = lab.control
    await promisify(execFile)(node, [...args, ...words])
  }

  it('swallowed traffic ends in time, and calls work again after it is healed', async () => {
    await east.instance()
    await control('links', 'cut', '--id', 'swallow', '--from', 'runner', '--to', 'east', '--mode', 'blackhole')
    try {
      const error = await failure(east.instance(undefined, { within: '400ms', attempts: 1 }))
      expect(['STREAMS_REQUEST_TIMEOUT', 'STREAMS_UNREACHABLE']).toContain((error as StreamsError).code)
      const result = await data.inject(ingest, [tuple('east', 'cut')], { within: '400ms' })
      expect(['indeterminate', 'refused']).toContain(result.outcome)
      // A client without any connection yet cannot have sent anything.
      await using fresh = exchange('east')
      expect(await fresh.inject(ingest, [tuple('east', 'cut')], { within: '400ms' })).toMatchObject({
        outcome: 'refused',
      })
    } finally {
      await control('links', 'heal', '--id', 'swallow')
    }
    expect((await east.instance(undefined, { within: '10s' })).status).toBe('running')
  })

  it('reset traffic is refused', async () => {
    await control('links', 'cut', '--id', 'reset', '--from', 'runner', '--to', 'east', '--mode', 'reset')
    try {
      const error = await failure(east.instance(undefined, { attempts: 1 }))
      expect(error).toBeInstanceOf(UnreachableError)
      await using fresh = exchange('east')
      expect(await fresh.inject(ingest, [tuple('east', 'cut')])).toMatchObject({ outcome: 'refused' })
    } finally {
      await control('links', 'heal', '--id', 'reset')
    }
    expect((await east.instance()).status).toBe('running')
    // What the first cut swallowed was perhaps kept: nobody shall find it later.
    await data.read(results)
  })
})

// These take the application down, so they come last.
describe('when the application goes', () => {
  it('an endpoint whose PE does not run refuses, and comes back', async () => {
    const job = (await east.findJob(lab.sites.east.jobName)) ?? ''
    const [pe] = await east.pes({ job })
    await east.stopPe(pe ?? '')
    expect(await data.inject(ingest, [tuple('east')])).toMatchObject({ outcome: 'refused', status: 404 })
    await east.startPe(pe ?? '')
    await east.waitHealthy(job, { within: '30s' })
    const sent = data.inject(ingest, [tuple('east', 'again')])
    await collect(1)
    expect((await sent).outcome).toBe('acknowledged')
  })

  it('a job is cancelled, submitted again under its name, and waited for', async () => {
    const { bundle, jobName: name, parameters } = lab.sites.east
    const job = (await east.findJob(name)) ?? ''
    expect(await east.cancelJob(job)).toBe('cancelled')
    expect(await east.cancelJob(job)).toBe('gone')
    await eventually(
      async (signal) => {
        const found = await east.findJob(name, { signal })
        return found ? { done: false, seen: found.status } : { done: true, value: 0 }
      },
      { within: '20s', every: '20ms', describe: 'the job to be gone' },
    )
    const result = await data.inject(ingest, [tuple('east')])
    expect(result).toMatchObject({ outcome: 'refused', status: 404 })
    await expect(data.read(results)).rejects.toBeInstanceOf(NotFoundError)
    const again = await east.submit({ bundle, name, parameters })
    expect(again.name).toBe(name)
    expect(await east.waitHealthy(again, { within: '30s' })).toMatchObject({ status: 'running', health: 'healthy' })
    const fresh = await data.endpoint({ job: name, operator: 'Ingest', direction: 'inject' }, { within: '10s' })
    const tap = await data.endpoint({ job: name, operator: 'Results', direction: 'inspect' }, { within: '10s' })
    const sent = data.inject(fresh, [tuple('east', 'new-job')])
    await collect(1, tap)
    expect((await sent).outcome).toBe('acknowledged')
  })

  it('an instance is stopped and started; in between it says so', async () => {
    const { bundle, jobName: name, parameters } = lab.sites.east
    expect(await east.stopInstance({ within: '30s' })).toMatchObject({ status: 'stopped' })
    const error = await failure(east.submit({ bundle, name, parameters }))
    expect(error).toBeInstanceOf(InstanceNotStartedError)
    expect(error).toMatchObject({ messageId: 'CDISA5072E', dc: 'east' })
    expect(await east.startInstance({ within: '30s' })).toMatchObject({ status: 'running' })
    // A stop ends all jobs, and a start does not bring them back.
    expect(await east.jobs()).toEqual([])
    expect(await east.startInstance()).toMatchObject({ status: 'running' })
  })
})

describe('a site that speaks another dialect', () => {
  it('another base path, upper snake states, flat errors, another success code', async () => {
    const dialect = { basePath: '/streams/rest', enums: 'upperSnake', errors: 'flat', injectSuccess: 202 } as const
    await using other = await startEmbeddedLab({ directory: join(directory, 'dialect'), dialect })
    const { managementUrl, dataUrl, username, password, ca, jobName } = other.sites.west
    const connection = { dc: 'west', credentials: { username, password }, tls: { ca } }
    await using client = openManagement({ ...connection, url: `${new URL(managementUrl).origin}/streams/rest` })
    const job = await client.findJob(jobName)
    expect(job).toMatchObject({ status: 'running', health: 'healthy' })
    expect(new URL(job?.self ?? '').pathname).toMatch(/^\/streams\/rest\//)
    expect((await client.metricsSnapshot()).jobs[0]?.pes[0]).toMatchObject({ status: 'running', health: 'healthy' })
    await expect(
      client.job({ id: '99', self: `${client.url}/instances/${other.sites.west.instance}/jobs/99` }),
    ).rejects.toMatchObject({
      code: 'STREAMS_NOT_FOUND',
      messageId: 'CDISA5230E',
    })
    for (const acknowledged of [[202], [200]]) {
      await using exchangeClient = openDataExchange({
        ...connection,
        url: dataUrl,
        dialect: defineDialect({ data: { acknowledged } }),
      })
      const into = await exchangeClient.endpoint({ operator: 'Ingest', direction: 'inject' })
      const out = await exchangeClient.endpoint({ operator: 'Results', direction: 'inspect' })
      const sent = exchangeClient.inject(into, [tuple('west', `dialect-${acknowledged[0]}`)])
      await eventually(
        async (signal) => {
          const { items } = await exchangeClient.read(out, { signal })
          return items.length > 0 ? { done: true, value: 0 } : { done: false, seen: 'nothing' }
        },
        { within: '20s', every: '10ms', describe: 'a tuple' },
      )
      expect(await sent).toMatchObject({
        outcome: acknowledged[0] === 202 ? 'acknowledged' : 'indeterminate',
        status: 202,
      })
    }
  })
})
