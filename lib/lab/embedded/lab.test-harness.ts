import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { Agent, request } from 'undici'
import { eventually, now, reveal } from '../../core/index.ts'
import { startEmbeddedLab } from './index.ts'
import type { LabProcess } from './supervisor/processes.ts'
import type { EmbeddedLab, EmbeddedLabOptions, EmbeddedSite } from './types.ts'

const run = promisify(execFile)

/** A lab in a directory of its own that goes when the lab does. */
export async function temporaryLab(options: Omit<EmbeddedLabOptions, 'directory'> = {}): Promise<EmbeddedLab> {
  const directory = await mkdtemp(join(tmpdir(), 'failover-lab-'))
  const lab = await startEmbeddedLab({ directory, ...options })
  return {
    ...lab,
    [Symbol.asyncDispose]: async () => {
      await lab[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Runs the lab's control program and returns what it prints. */
export async function control(lab: EmbeddedLab, ...words: string[]): Promise<Body> {
  const [node = '', ...args] = lab.control
  const { stdout } = await run(node, [...args, ...words])
  return JSON.parse(stdout) as Body
}

/** The processes of a lab as its control program lists them. */
export async function processes(lab: EmbeddedLab): Promise<readonly LabProcess[]> {
  return (await control(lab, 'processes')) as unknown as LabProcess[]
}

/** The truth of a lab so far. */
export async function truth(lab: EmbeddedLab): Promise<TruthLine[]> {
  const text = await readFile(lab.truthFile, 'utf8')
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as TruthLine)
}

/** A line of the truth file. */
export interface TruthLine {
  readonly at: number
  readonly event: string
  readonly dc?: string
  readonly view?: string
  readonly home: readonly string[]
  readonly between?: readonly number[]
}

/** The members of all answers that these tests look at; which of them are there is what the tests find out. */
export interface Body {
  [member: `${number}`]: Body
  id: string
  name: string
  self: string
  resource: string
  status: string
  health: string
  statusReason: string
  resourceType: string
  jobsMetricsSnapshot: string
  warnings: string[]
  processId: string
  operator: string
  port: number
  direction: string
  http: string
  text: string
  message: string
  next?: string
  total: number
  value: number
  launchCount: number
  lastTimeRetrieved: number
  droppedTuples: number
  seq: number
  count: number
  sum: number
  dc: string
  bundleId: string
  metricsSnapshot: string
  offBetween: [number, number]
  properties: Readonly<Record<string, string>>
  paths: Readonly<Record<string, { get: Body; post: unknown }>>
  openapi: string & { json: string }
  jobConfigurationOverlay: { results: unknown }
  resources: Body[]
  jobs: Body[]
  pes: Body[]
  operators: Body[]
  metrics: Body[]
  endpoints: Body[]
  items: Body[]
  messages: Body[]
  parameters: Body[]
  submitParameters: Body[]
  inputPorts: (Body & { indexWithinOperator: number })[]
  outputPorts: (Body & { indexWithinOperator: number })[]
  applicationConfigurations: Body[]
}

/** The one element of a list of which a test knows that it is there. */
export function first<T>(list: readonly T[], which: (item: T) => boolean = () => true): T {
  const found = list.find(which)
  if (found === undefined) throw new Error(`none of ${list.length} elements is the one`)
  return found
}

/** What an HTTP call brought. */
export interface Reply {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly bytes: Buffer
  readonly text: string
  readonly json: Body
}

/** How to call. */
export interface Call {
  readonly method?: string
  readonly body?: string | Buffer | object
  readonly type?: string
  readonly auth?: string
}

/** A caller of one site's servers by absolute URL, with the lab's CA. */
export function caller(site: EmbeddedSite, agent: Agent): (url: string, call?: Call) => Promise<Reply> {
  const credentials = `${site.username}:${reveal(site.password)}`
  return async (url, { method = 'GET', body, type = 'application/json', auth = credentials } = {}) => {
    const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
    const response = await request(url, {
      method: method as 'GET',
      dispatcher: agent,
      headers: {
        authorization: `Basic ${Buffer.from(auth).toString('base64')}`,
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      body: body === undefined ? null : raw ? body : JSON.stringify(body),
    })
    const bytes = Buffer.from(await response.body.arrayBuffer())
    const text = bytes.toString('utf8')
    const isJson = String(response.headers['content-type']).startsWith('application/json')
    const json = (isJson ? JSON.parse(text) : {}) as Body
    return { status: response.statusCode, headers: response.headers, bytes, text, json }
  }
}

/** An undici agent that trusts the lab. */
export function agentOf(lab: EmbeddedLab): Agent & AsyncDisposable {
  const agent = new Agent({ connect: { ca: lab.sites.east.ca }, headersTimeout: 5000, bodyTimeout: 5000 })
  return Object.assign(agent, { [Symbol.asyncDispose]: () => agent.destroy() })
}

/** Input tuples of one key. */
export function tuples(home: string, key: string, first: number, count: number): object[] {
  return Array.from({ length: count }, (_, i) => {
    const seq = first + i
    const base = { seq, key, home, keySeq: seq, value: 1, payload: 'x'.repeat(32) }
    const text = `${base.seq}|${base.key}|${base.home}|${base.keySeq}|${base.value}|${base.payload}`
    return { ...base, sentAt: now(), checksum: crc32(text) }
  })
}

/** Waits for a condition with the harness's usual patience. */
export async function until<T>(describe: string, probe: () => Promise<T | undefined | false>): Promise<T> {
  const { value } = await eventually(
    async () => {
      const seen = await probe()
      return seen ? { done: true, value: seen } : { done: false, seen: 'not yet' }
    },
    { within: '15s', every: '20ms', describe },
  )
  return value
}
