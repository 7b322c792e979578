import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Agent } from 'undici'
import { agentOf, caller, first, temporaryLab, type Body, tuples, until } from '../lab.test-harness.ts'
import type { EmbeddedLab } from '../types.ts'

let lab: EmbeddedLab
let agent: Agent & AsyncDisposable
let call: ReturnType<typeof caller>
let inject: string
let inspect: string

beforeAll(async () => {
  lab = await temporaryLab()
  agent = agentOf(lab)
  call = caller(lab.sites.east, agent)
  const { jobs } = (await call(lab.sites.east.dataUrl)).json
  const at = (operator: string): string => first(first(jobs).endpoints, (e) => e.operator === operator).http
  inject = at('Ingest')
  inspect = at('Results')
})

afterAll(async () => {
  await agent?.destroy()
  await lab?.[Symbol.asyncDispose]()
})

describe('the data service', () => {
  it('lists jobs with their endpoints and describes them', async () => {
    const { status, json } = await call(lab.sites.east.dataUrl)
    expect(status).toBe(200)
    expect(json.jobs).toHaveLength(1)
    const job = first(json.jobs)
    expect(job).toMatchObject({ jobName: 'failover-app', jobId: '1' })
    expect(job.endpoints.map((e) => [e.operator, e.port, e.direction])).toEqual([
      ['Ingest', 0, 'inject'],
      ['Results', 0, 'inspect'],
      ['SpecialMessage', 0, 'inject'],
    ])
    const document = (await call(job.openapi.json)).json
    expect(document.openapi).toMatch(/^3\./)
    const post = JSON.stringify(document.paths[new URL(inject).pathname]?.post)
    expect(post).toContain('"seq":{"type":"integer","format":"int64"')
    const get = document.paths[new URL(inspect).pathname]?.get
    expect(get?.parameters.map((p) => p.name)).toEqual(['maxItems', 'startTime'])
  })

  it('acknowledges a batch when a reader has all of it', async () => {
    const sent = call(inject, { method: 'POST', body: { items: tuples('east', 'a', 1, 5) } })
    const seen: Body[] = []
    await until('five tuples', async () => {
      seen.push(...(await call(`${inspect}?maxItems=2`)).json.items)
      return seen.length >= 5
    })
    expect((await sent).status).toBe(200)
    expect(seen.map((t) => [t.seq, t.count, t.sum, t.dc])).toEqual([1, 2, 3, 4, 5].map((n) => [n, n, n, 'east']))
  })

  it('refuses work of the other data centre while that is alive', async () => {
    const { status, json } = await call(inject, { method: 'POST', body: { items: tuples('west', 'b', 1, 1) } })
    expect(status).toBe(409)
    expect(first(json.messages).message).toContain('west')
  })

  it.each([
    ['a body that is not JSON', 400, '{"items":[', 'application/json'],
    ['a tuple without an attribute', 400, '{"items":[{"seq":1}]}', 'application/json'],
    [
      'an attribute of the wrong type',
      400,
      JSON.stringify({ items: [{ ...tuples('east', 'a', 1, 1)[0], seq: 'x' }] }),
      'application/json',
    ],
    ['another content type', 415, 'seq=1', 'application/x-www-form-urlencoded'],
    ['a body that is too long', 413, Buffer.alloc(33 * 1024 * 1024, 32), 'application/json'],
  ])('refuses %s', async (_, status, body, type) => {
    expect((await call(inject, { method: 'POST', body, type })).status).toBe(status)
  })

  it('refuses wrong credentials and unknown endpoints', async () => {
    const refused = await call(inspect, { auth: 'nobody:nothing' })
    expect(refused.status).toBe(401)
    expect(refused.headers['www-authenticate']).toContain('Basic')
    expect((await call(`${lab.sites.east.dataUrl}/jobs/9/Ingest/ports/output/0`)).status).toBe(404)
    expect((await call(inject)).status).toBe(405)
  })

  it('warns of tuples that were dropped before anyone read them', async () => {
    const flood = call(inject, { method: 'POST', body: { items: tuples('east', 'flood', 1, 1500) } })
    const { json } = await until('a warning', async () => {
      const reply = await call(inspect)
      return reply.json.droppedTuples > 0 && reply
    })
    expect(json.droppedTuples).toBe(500)
    expect(json.warnings).toHaveLength(1)
    expect(json.items).toHaveLength(1000)
    expect((await call(inspect)).json).toMatchObject({ items: [], droppedTuples: 0, totalDroppedTuples: 500 })
    expect((await flood).status).toBe(503)
  })

  it('answers 404 while the processing element is not running, and 503 when it dies with tuples in its hands', async () => {
    const pes = (await call(`${lab.sites.east.managementUrl}/instances/StreamsInstance/pes`)).json.pes
    const ingest = first(pes)
    const held = call(inject, { method: 'POST', body: { items: tuples('east', 'c', 1, 1) } })
    await until('the tuple to be at the sink', async () => {
      const reply = await call(
        `${lab.sites.east.managementUrl}/instances/StreamsInstance/jobs/1/operators/Results/inputports/0/metrics`,
      )
      return first(reply.json.metrics, (m) => m.name === 'nTuplesProcessed').value >= 1506
    })
    process.kill(Number(ingest.processId), 'SIGKILL')
    expect((await held).status).toBe(503)
    const gone = await call(inject, { method: 'POST', body: { items: tuples('east', 'c', 2, 1) } })
    expect(gone.status).toBe(404)
    const again = await until('the restart', async () => {
      const { json } = await call(ingest.self)
      return json.launchCount === 2 && json.health === 'healthy' && json
    })
    expect(again).toMatchObject({ status: 'running', statusReason: 'crash' })
  })
})
