import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { request, type Agent } from 'undici'
import { eventually, now, pause, type Interval } from '../../core/index.ts'
import { encodeHeartbeatMessage, heartbeatMessage } from '../../toolkit/wire.ts'
import { agentOf, caller, control, temporaryLab, tuples, type Reply } from './lab.test-harness.ts'
import { parseOwn } from './parse.ts'
import type { DcName, PeKind } from './protocol.ts'
import { HEARTBEAT_PATH } from './toolkit/cross-data-center-failover.ts'
import type { EmbeddedLab, EmbeddedLabOptions } from './types.ts'

/** A line of `truth.jsonl`. */
export interface TruthEvent {
  readonly at: number
  readonly dc: DcName
  readonly event: string
  readonly [field: string]: unknown
}

type Matcher = (event: TruthEvent) => boolean

const ANY: Matcher = () => true
const PATIENCE = '25s'

/** A real lab with the words in which the scenario table speaks. */
export class ScenarioBench {
  readonly lab: EmbeddedLab
  readonly #agent: Agent & AsyncDisposable
  #seq = 1

  private constructor(lab: EmbeddedLab) {
    this.lab = lab
    this.#agent = agentOf(lab)
  }

  static async open(options: Omit<EmbeddedLabOptions, 'directory'> = {}): Promise<ScenarioBench> {
    // Acknowledged without a reader: these tests look at the control plane.
    const parameters = { acknowledge: 'processed', ...options.parameters }
    return new ScenarioBench(await temporaryLab({ ...options, parameters }))
  }

  /** Truth of one kind at one data centre, from an instant on. */
  async events(dc: DcName, event: string, since = 0): Promise<TruthEvent[]> {
    const text = await readFile(this.lab.truthFile, 'utf8')
    return text
      .split('\n')
      .filter((line) => line.includes(`"event":"${event}"`))
      .map((line) => parseOwn<TruthEvent>(line))
      .filter((line) => line.dc === dc && line.at >= since)
  }

  /** The first such event, waited for. */
  async event(dc: DcName, event: string, matches: Matcher = ANY, since = 0): Promise<TruthEvent> {
    const { value } = await eventually(
      async () => {
        const found = (await this.events(dc, event, since)).find(matches)
        return found ? { done: true, value: found } : { done: false, seen: 'not yet' }
      },
      { within: PATIENCE, every: '10ms', describe: `${event} at ${dc}` },
    )
    return value
  }

  /** What a watchdog has said, in order. */
  async views(dc: DcName, since = 0): Promise<string[]> {
    return (await this.events(dc, 'peer-view', since)).map(({ view }) => String(view))
  }

  async view(dc: DcName, view: 'up' | 'down', since = 0): Promise<TruthEvent> {
    return this.event(dc, 'peer-view', (event) => event.view === view, since)
  }

  /** Both have seen each other, and hold a snapshot of each other. */
  async replicating(since = 0): Promise<void> {
    await Promise.all((['east', 'west'] as const).map((dc) => this.view(dc, 'up', since)))
    await Promise.all((['east', 'west'] as const).map((dc) => this.event(dc, 'snapshot-stored', ANY, since)))
  }

  /** A snapshot that was taken after now is stored at the other side. */
  async replicated(from: DcName, to: DcName, keys: number): Promise<void> {
    const begin = now()
    const taken = await this.event(from, 'snapshot-taken', (event) => event.keys === keys, begin)
    await this.event(to, 'snapshot-stored', ANY, taken.at)
  }

  async crash(dc: DcName): Promise<Interval> {
    const { offBetween } = (await control(this.lab, 'power', 'off', dc)) as { offBetween: [number, number] }
    return { earliest: offBetween[0], latest: offBetween[1] }
  }

  async boot(dc: DcName): Promise<number> {
    const asked = now()
    await control(this.lab, 'power', 'on', dc)
    return asked
  }

  async cut(from: DcName, to: DcName): Promise<number> {
    // A blackhole holds what was sent into it, and a heartbeat that comes out of it after the heal rejoins the pair (S6).
    await control(this.lab, 'links', 'cut', '--id', `${from}-${to}`, '--from', from, '--to', to, '--mode', 'reset')
    return now()
  }

  async delay(from: DcName, to: DcName, port: 'snapshot' | 'heartbeat', ms: number): Promise<void> {
    const path = ['--id', `slow-${from}`, '--from', from, '--to', to, '--port', port]
    await control(this.lab, 'links', 'shape', ...path, '--delay', String(ms))
  }

  async heal(...ids: string[]): Promise<number> {
    for (const id of ids) await control(this.lab, 'links', 'heal', '--id', id)
    return now()
  }

  /** Kills the process of a PE. */
  async killPe(dc: DcName, kind: PeKind): Promise<number> {
    const pe = (await this.events(dc, 'pe-start')).findLast((event) => event.kind === kind)
    const at = now()
    process.kill(Number(pe?.pid), 'SIGKILL')
    return at
  }

  /** Injects tuples of one key into the ingest of a data centre. */
  async work(dc: DcName, key: string, count: number, home = dc): Promise<Reply> {
    const first = this.#seq
    this.#seq += count
    return this.#inject(dc, 'Ingest', tuples(home, key, first, count))
  }

  async special(dc: DcName, msg: string): Promise<Reply> {
    return this.#inject(dc, 'SpecialMessage', [{ msg }])
  }

  /** Posts heartbeats in the name of the other data centre, each period, until the signal is aborted. */
  async forgeHeartbeats(to: DcName, from: DcName, everyMs: number, signal: AbortSignal): Promise<void> {
    const link = this.lab.links.find((one) => one.from === from && one.to === to && one.port === 'heartbeat')
    const body = Buffer.from(encodeHeartbeatMessage(heartbeatMessage({ heartbeatMsgType: 1, dataCenterOrigin: from })))
    while (!signal.aborted) {
      const url = `http://${link?.host}:${link?.listenPort}${HEARTBEAT_PATH}`
      const headers = { 'content-type': 'application/octet-stream', connection: 'close' }
      await request(url, { method: 'POST', body, headers }).then((answer) => answer.body.dump())
      await pause(everyMs, signal).catch(() => {})
    }
  }

  /** nTuplesProcessed of an input port or nTuplesSubmitted of an output port, as REST shows it. */
  async counter(dc: DcName, operator: string, direction: 'in' | 'out', port = 0): Promise<number> {
    const which = direction === 'in' ? 'inputPorts' : 'outputPorts'
    const name = direction === 'in' ? 'nTuplesProcessed' : 'nTuplesSubmitted'
    const { ports } = await this.#operator(dc, operator, which)
    return ports[port]?.metrics.find((metric) => metric.name === name)?.value ?? NaN
  }

  async jobHealth(dc: DcName): Promise<string> {
    const { jobs } = (await this.#call(dc, `${this.#instance(dc)}/jobs`)).json as { jobs: { health: string }[] }
    return jobs[0]?.health ?? 'none'
  }

  async cancelJob(dc: DcName): Promise<void> {
    const { jobs } = (await this.#call(dc, `${this.#instance(dc)}/jobs`)).json as { jobs: { self: string }[] }
    await this.#call(dc, jobs[0]?.self ?? '', 'DELETE')
  }

  /** Names of the stored snapshots on the disk of a data centre. */
  async snapshots(dc: DcName): Promise<string[]> {
    return readdir(join(dirname(dirname(this.lab.sites[dc].configFile)), 'snapshots'))
  }

  /** Waits until an asynchronous condition holds. */
  async until(describe: string, holds: () => Promise<boolean>): Promise<void> {
    await eventually(async () => ((await holds()) ? { done: true, value: true } : { done: false, seen: 'not yet' }), {
      within: PATIENCE,
      every: '20ms',
      describe,
    })
  }

  /** Waits until the local beacon of a data centre has ticked so many times from now: the toolkit's own measure of time. */
  async ticks(dc: DcName, count: number): Promise<void> {
    const read = (): Promise<number> => this.counter(dc, 'CrossDCFailover.HeartbeatSignalGenerator', 'out')
    const goal = (await read()) + count
    await this.until(`${count} ticks at ${dc}`, async () => (await read()) >= goal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy()
    await this.lab[Symbol.asyncDispose]()
  }

  async #inject(dc: DcName, operator: string, items: readonly object[]): Promise<Reply> {
    type Listing = { jobs: { endpoints: { operator: string; http: string }[] }[] }
    const { jobs } = (await this.#call(dc, this.lab.sites[dc].dataUrl)).json as Listing
    const endpoint = jobs.flatMap((job) => job.endpoints).find((one) => one.operator === operator)
    return caller(this.lab.sites[dc], this.#agent)(endpoint?.http ?? '', { method: 'POST', body: { items } })
  }

  async #operator(
    dc: DcName,
    operator: string,
    which: 'inputPorts' | 'outputPorts',
  ): Promise<{ ports: { metrics: { name: string; value: number }[] }[] }> {
    type Ports = { metrics: { name: string; value: number }[] }[]
    type Snapshot = { jobs: { pes: { operators: { name: string; inputPorts: Ports; outputPorts: Ports }[] }[] }[] }
    const { jobsMetricsSnapshot } = (await this.#call(dc, this.#instance(dc))).json as { jobsMetricsSnapshot: string }
    const { jobs } = (await this.#call(dc, jobsMetricsSnapshot)).json as Snapshot
    const found = jobs.flatMap((job) => job.pes.flatMap((pe) => pe.operators)).find(({ name }) => name === operator)
    return { ports: found?.[which] ?? [] }
  }

  #instance(dc: DcName): string {
    const { managementUrl, instance } = this.lab.sites[dc]
    return `${managementUrl}/instances/${instance}`
  }

  #call(dc: DcName, url: string, method = 'GET'): Promise<Reply> {
    return caller(this.lab.sites[dc], this.#agent)(url, { method })
  }
}
