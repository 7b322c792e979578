import { decodeApplicationState, encodeApplicationState, type KeyState } from '../../../toolkit/application-state.ts'
import { resolveConfiguration, type ToolkitConfiguration } from '../../../toolkit/configuration.ts'
import { encodeHeartbeatMessage, type HeartbeatMessage } from '../../../toolkit/wire.ts'
import { Counters } from '../pe/counters.ts'
import { describeOperators, QUEUE_SIZES } from '../pe/operators.ts'
import type { DcName } from '../protocol.ts'
import type { Post } from './blob-sender.ts'
import {
  CrossDataCenterFailover,
  dataPath,
  HEARTBEAT_PATH,
  type CompositeEnvironment,
} from './cross-data-center-failover.ts'
import { memoryStore } from './snapshot-store.ts'
import { VirtualTime } from './virtual-time.ts'

/** Something that happened in a virtual data centre. */
export interface VirtualEvent {
  readonly at: number
  readonly dc: DcName
  readonly event: string
  readonly [field: string]: unknown
}

/** What a virtual link does to messages from one data centre to the other. */
export interface VirtualLink {
  /** Swallows new connections; the sender waits for its timeout. */
  cut: boolean
  delayMs: number
}

/** The other one. */
export const peerOf = (dc: DcName): DcName => (dc === 'east' ? 'west' : 'east')

/** Configuration of the sample file: 30 s, 4 misses, 180 s, initial delay 40 s. */
export const SAMPLE: Readonly<Record<string, string>> = {
  heartbeatExchangeInterval: '30.0',
  consecutiveHeartbeatMissesAllowed: '4',
  dataSnapshotExchangeInterval: '180.0',
  crossDCInitDelay: '40.0',
  dataSnapshotStorageDirectory: '/snapshots',
}

/** Two toolkits with an application each, a network between them, and no machine at all. Times are in (virtual) seconds. */
export class VirtualPair {
  readonly time = new VirtualTime()
  readonly events: VirtualEvent[] = []
  readonly links: Record<DcName, Record<'heartbeat' | 'data', VirtualLink>>
  readonly sites: Record<DcName, VirtualSite>

  constructor(
    options: {
      readonly both?: Readonly<Record<string, string>>
      readonly east?: Readonly<Record<string, string>>
      readonly west?: Readonly<Record<string, string>>
      readonly pairs?: number
      readonly delayMs?: number
      readonly defects?: NonNullable<CompositeEnvironment['defects']>
    } = {},
  ) {
    const link = (): VirtualLink => ({ cut: false, delayMs: options.delayMs ?? 0 })
    this.links = { east: { heartbeat: link(), data: link() }, west: { heartbeat: link(), data: link() } }
    const site = (dc: DcName): VirtualSite => {
      const file = { localDataCenterName: dc, remoteDataCenterApplicationMachineNames: `${peerOf(dc)}-host` }
      const values = { ...SAMPLE, ...file, ...options.both, ...options[dc] }
      return new VirtualSite(this, dc, values, { pairs: options.pairs ?? 1, defects: options.defects ?? {} })
    }
    this.sites = { east: site('east'), west: site('west') }
  }

  /** Cuts or heals everything that one data centre sends to the other. */
  cut(from: DcName, cut = true): void {
    this.links[from].heartbeat.cut = cut
    this.links[from].data.cut = cut
  }

  /** Lets so many seconds pass. */
  run(seconds: number): void {
    this.time.runFor(seconds * 1000)
  }

  /** Events of one kind, with their times in seconds. */
  of(dc: DcName, event: string, sinceMs = 0): VirtualEvent[] {
    return this.events
      .filter((one) => one.dc === dc && one.event === event && one.at >= sinceMs)
      .map((one) => ({ ...one, at: one.at / 1000 }))
  }

  /** `up` and `down` in the order in which the watchdog of a data centre emitted them. */
  views(dc: DcName, sinceMs = 0): string[] {
    return this.of(dc, 'peer-view', sinceMs).map(({ view }) => String(view))
  }

  record(dc: DcName, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.events.push({ at: this.time.now(), dc, event, ...fields })
  }
}

/** One data centre: its disk outlives the process, all else does not. */
export class VirtualSite {
  readonly #pair: VirtualPair
  readonly #dc: DcName
  readonly #options: { readonly pairs: number; readonly defects: NonNullable<CompositeEnvironment['defects']> }
  readonly store = memoryStore()
  /** The application's state of this life. */
  state = new Map<string, KeyState>()
  configuration: ToolkitConfiguration
  counters: Counters
  composite: CrossDataCenterFailover | undefined
  /** Of the running process: what it has begun dies with it. */
  #life = { alive: false }
  traces: string[] = []

  constructor(
    pair: VirtualPair,
    dc: DcName,
    values: Readonly<Record<string, string>>,
    options: { readonly pairs: number; readonly defects: NonNullable<CompositeEnvironment['defects']> },
  ) {
    this.#pair = pair
    this.#dc = dc
    this.#options = options
    this.configuration = this.#resolve(values)
    this.counters = this.#newCounters()
  }

  /** Starts the process, with other configuration values if given. */
  start(values?: Readonly<Record<string, string>>): void {
    if (values) this.configuration = this.#resolve(values)
    this.counters = this.#newCounters()
    this.state = new Map()
    const pair = this.#pair
    const dc = this.#dc
    const life = { alive: true }
    this.#life = life
    const composite = new CrossDataCenterFailover(
      this.configuration,
      {
        scheduler: pair.time,
        post: this.#post(life),
        store: this.store,
        counters: this.counters,
        trace: (level, aspect, text) => void this.traces.push(`${level} ${aspect} ${text}`),
        truth: (event, fields) => pair.record(dc, event, fields),
        secondMs: 1000,
        defects: this.#options.defects,
      },
      {
        dataSnapshotSignal: (signal) => this.#answer(signal),
        remoteDataCenterStatus: (active) => pair.record(dc, 'status', { active }),
        processDataFromRemoteDC: (message) => this.#adopt(message),
      },
    )
    this.composite = composite
    composite.start()
  }

  /** The process is gone at once. */
  crash(): void {
    this.composite?.stop()
    this.composite = undefined
    this.#life.alive = false
  }

  /** A message arrives on a documented port and path. False if nobody listens. */
  receive(port: number, path: string, body: Uint8Array): boolean {
    if (!this.composite) return false
    const channel = port - this.configuration.crossDCHttpPort - 1
    if (channel === -1 && path === HEARTBEAT_PATH) this.composite.heartbeat(body)
    else if (path === dataPath(channel)) this.composite.data(channel, body)
    else return false
    return true
  }

  /** A counter of an operator of the composite. */
  count(operator: string, direction: 'in' | 'out', port: number): number {
    const name = `CrossDCFailover.${operator}`
    return direction === 'in' ? this.counters.input(name, port).processed : this.counters.output(name, port).submitted
  }

  /** The application works on a tuple of a key. */
  work(key: string, times = 1): void {
    const state = this.state.get(key) ?? { home: this.#dc, count: 0, sum: 0, lastSeq: 0 }
    this.state.set(key, { ...state, count: state.count + times, sum: state.sum + times })
  }

  #answer(signal: HeartbeatMessage): void {
    this.#pair.record(this.#dc, 'signal', { cnt: Number(signal.heartbeatCnt), type: signal.heartbeatMsgType })
    const dataSnapshot = encodeApplicationState(this.state)
    const message = encodeHeartbeatMessage({ ...signal, dataSnapshot, dataSnapshotOrigin: '0' })
    this.composite?.serializedDataSnapshotMessage(message)
  }

  #adopt({ heartbeatMsgType, dataCenterOrigin, dataSnapshot }: HeartbeatMessage): void {
    const state = decodeApplicationState(dataSnapshot)
    const counts = Object.fromEntries([...state].map(([key, { count }]) => [key, count]))
    this.#pair.record(this.#dc, 'piece', { type: heartbeatMsgType, origin: dataCenterOrigin, counts })
    for (const [key, entry] of state) this.state.set(key, entry)
  }

  #post(life: { readonly alive: boolean }): Post {
    const pair = this.#pair
    const peer = peerOf(this.#dc)
    return ({ host, port, path, body, connectTimeoutMs }, whenDone) => {
      const done: typeof whenDone = (result) => {
        if (life.alive) whenDone(result)
      }
      const { links, sites, time } = pair
      const link = links[this.#dc][path === HEARTBEAT_PATH ? 'heartbeat' : 'data']
      if (host !== `${peer}-host`) return void time.after(0, () => done({ error: 'unknown host' }))
      if (link.cut) return void time.after(connectTimeoutMs, () => done({ error: 'connect timed out' }))
      time.after(link.delayMs, () => {
        const answer = sites[peer].receive(port, path, body) ? { status: 204, text: '' } : { error: 'refused' }
        time.after(link.delayMs, () => done(answer))
      })
    }
  }

  #resolve(values: Readonly<Record<string, string>>): ToolkitConfiguration {
    const fileText = Object.entries(values)
      .map(([key, value]) => `${key}=${value}\n`)
      .join('')
    return resolveConfiguration({
      fileText,
      submission: { numberOfHttpSenderReceiverPairs: String(this.#options.pairs) },
    })
  }

  #newCounters(): Counters {
    return new Counters(describeOperators('cross-dc', this.#options.pairs), QUEUE_SIZES)
  }
}
