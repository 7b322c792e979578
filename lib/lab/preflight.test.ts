import { createServer } from 'node:net'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dcEastWest } from '../../environments/dc-east-west.ts'
import { Secret } from '../core/index.ts'
import {
  describeTarget,
  EnvironmentError,
  preflight,
  PreflightError,
  resolveEnvironment,
  type DcConnection,
  type ResolvedEnvironment,
} from '../environment/index.ts'

let environment: ResolvedEnvironment

beforeAll(async () => {
  environment = await resolveEnvironment(dcEastWest, { env: {}, file: null, toolkit: { crossDCInitDelay: '2' } })
})
afterAll(() => environment?.[Symbol.asyncDispose]())

/** What the preflight says of an environment whose east was changed. */
async function found(change: (east: DcConnection) => Partial<DcConnection>): Promise<readonly object[]> {
  const east = { ...environment.dcs.east, ...change(environment.dcs.east) }
  const error: unknown = await preflight(
    { ...environment, dcs: { ...environment.dcs, east } },
    { within: '10s' },
  ).catch((reason: unknown) => reason)
  if (!(error instanceof PreflightError)) throw error
  expect(error.message).not.toContain('hunter2hunter2')
  return error.problems.map(({ kind, dc, field, remedy }) => ({ kind, dc, field, remedy }))
}

const withOperators = (east: DcConnection, operators: Partial<DcConnection['application']['operators']>) => ({
  application: { ...east.application, operators: { ...east.application.operators, ...operators } },
})

describe('an embedded environment', () => {
  it('is resolved with all that the fixtures need', () => {
    expect(environment).toMatchObject({
      name: 'dc-east-west',
      target: 'embedded',
      timeScale: 0.2,
      objectives: { rto: '3s' },
      operatorPrefix: 'CrossDCFailover',
      toolkit: { east: { heartbeatExchangeInterval: 1, crossDCInitDelay: 2 }, west: { localDataCenterName: 'west' } },
      lab: { defects: [] },
    })
    expect(environment.capabilities).toContain('links')
    expect(environment.links.length).toBeGreaterThanOrEqual(8)
    expect(describeTarget(environment)).toContain('EMBEDDED LAB')
  })

  it('passes the preflight', async () => {
    await preflight(environment)
  })

  it('ends its lab and removes its directory when it is disposed of', async () => {
    const other = await resolveEnvironment(dcEastWest, { env: {}, file: null })
    const directory = other.lab?.directory ?? ''
    expect(existsSync(directory)).toBe(true)
    await other[Symbol.asyncDispose]()
    expect(existsSync(directory)).toBe(false)
  })

  it('takes the lab’s variables, and refuses a defect that there is not', async () => {
    const env = { FAILOVER_LAB_TIMESCALE: '0.1' }
    const scaled = await resolveEnvironment(dcEastWest, { env, file: null })
    expect(scaled.timeScale).toBe(0.1)
    await scaled[Symbol.asyncDispose]()
    const wrong = resolveEnvironment(dcEastWest, { env: { FAILOVER_LAB_DEFECT: 'no-such-defect' }, file: null })
    await expect(wrong).rejects.toThrow(/no-such-defect/)
    await expect(resolveEnvironment(dcEastWest, { env: { FAILOVER_LAB_TIMESCALE: '-1' }, file: null })).rejects.toThrow(
      EnvironmentError,
    )
  })
})

describe('the preflight finds', () => {
  it('a wrong password', async () => {
    const password = new Secret('hunter2hunter2')
    const problems = await found(({ management, data }) => ({
      management: { ...management, password },
      data: { ...data, password },
    }))
    expect(problems).toMatchObject([
      { kind: 'unauthorized', dc: 'east', field: 'dcs.east.management.password' },
      { kind: 'unauthorized', dc: 'east', field: 'dcs.east.data.password' },
    ])
  })

  it('a wrong CA', async () => {
    const other = await resolveEnvironment(dcEastWest, { env: {}, file: null })
    const { tls } = other.dcs.east.management
    await other[Symbol.asyncDispose]()
    const problems = await found(({ management }) => ({ management: { ...management, tls } }))
    expect(problems).toMatchObject([{ kind: 'tls', dc: 'east', field: 'dcs.east.management.tls.ca' }])
  })

  it('a site that cannot be reached, and one that does not speak HTTPS', async () => {
    const server = createServer((socket) => socket.end('220 mail ready\r\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    try {
      const mail = await found(({ management }) => ({
        management: { ...management, url: `https://127.0.0.1:${port}/streams` },
      }))
      expect(mail).toMatchObject([{ dc: 'east', field: expect.stringMatching(/^dcs\.east\.management\./) }])
    } finally {
      server.close()
    }
    const closed = await found(({ management, data }) => ({
      management: { ...management, url: `https://127.0.0.1:${port}/streams` },
      data: { ...data, url: `https://127.0.0.1:${port}` },
    }))
    expect(closed).toMatchObject([
      { kind: 'unreachable', field: 'dcs.east.management.url' },
      { kind: 'unreachable', field: 'dcs.east.data.url' },
    ])
  })

  it('a missing bundle, an unknown operator and an endpoint that is gone, all at once', async () => {
    const problems = await found((east) => ({
      application: { ...withOperators(east, { results: 'Nothing' }).application, bundle: '/nowhere/app.sab' },
    }))
    expect(problems).toMatchObject([
      {
        kind: 'bundle-missing',
        field: 'dcs.east.application.bundle',
        remedy: expect.stringContaining('FAILOVER_EAST_BUNDLE'),
      },
      {
        kind: 'operator-unknown',
        field: 'dcs.east.application.operators.results',
        remedy: expect.stringContaining('Results'),
      },
      { kind: 'endpoint-gone', field: 'dcs.east.application.operators.results' },
    ])
  })

  it('a job that is not there, and an instance that is not there', async () => {
    const job = await found(({ application }) => ({ application: { ...application, job: 'nobody' } }))
    expect(job).toMatchObject([{ kind: 'job-missing', field: 'dcs.east.application.job' }, {}, {}, {}])
    const instance = await found(() => ({ instance: 'nobody' }))
    expect(instance).toMatchObject([{ dc: 'east', remedy: expect.stringContaining('instance') }])
  })
})
