import type { ToolkitConfiguration } from '../../../toolkit/configuration.ts'
import type { HeartbeatMessage } from '../../../toolkit/wire.ts'
import type { Counters } from '../pe/counters.ts'
import { COMPOSITE } from '../pe/operators.ts'
import { Beacon } from './beacon.ts'
import { BlobSender, type HttpResponse, type Post } from './blob-sender.ts'
import { DataWatchdog, readSnapshot, type DataWatchdogDefects } from './data-watchdog.ts'
import { HeartbeatMessagePreparer } from './heartbeat-message-preparer.ts'
import { HeartbeatWatchdog, type HeartbeatWatchdogDefects } from './heartbeat-watchdog.ts'
import type { Scheduler } from './scheduler.ts'
import type { SnapshotStore } from './snapshot-store.ts'
import { MARK, type Trace } from './trace.ts'

/** Path of the heartbeat receiver, on the base port. */
export const HEARTBEAT_PATH = '/crossdcrx/CrossDataCenterReceiverForHB/ports/output/0/inject'

/** Path of the receiver of pair `channel`, on the base port + 1 + channel. */
export const dataPath = (channel: number): string =>
  `/crossdcrx/CrossDataCenterReceiver[${channel}]/ports/output/0/inject`

/** The composite's three output streams. */
export interface CompositeOutputs {
  dataSnapshotSignal(message: HeartbeatMessage): void
  /** Transitions only: true the other data centre is up, false it is down. */
  remoteDataCenterStatus(active: boolean): void
  processDataFromRemoteDC(message: HeartbeatMessage): void
}

/** What the composite needs of the world around it. */
export interface CompositeEnvironment {
  readonly scheduler: Scheduler
  readonly post: Post
  readonly store: SnapshotStore
  readonly counters: Counters
  readonly trace: Trace
  /** Records a true transition with its fields. */
  readonly truth: (event: string, fields?: Readonly<Record<string, unknown>>) => void
  /** Real milliseconds per configured second. */
  readonly secondMs: number
  readonly defects?: HeartbeatWatchdogDefects & DataWatchdogDefects & CompositeDefects
}

/** Defects of the composite as a whole. */
export interface CompositeDefects {
  /** Nobody outside the composite hears that the other data centre is down. */
  readonly mute?: boolean
  /** Milliseconds between the watchdog's DOWN and the takeover. */
  readonly takeoverDelayMs?: number
}

const own = (name: string): string => `${COMPOSITE}.${name}`

/** Composite `CrossDataCenterFailover`: the operators of toolkit reference §5, wired as there, in one process. */
export class CrossDataCenterFailover {
  readonly #configuration: ToolkitConfiguration
  readonly #environment: CompositeEnvironment
  readonly #outputs: CompositeOutputs
  readonly #beacon: Beacon
  readonly #preparer: HeartbeatMessagePreparer
  readonly #sender1: BlobSender
  readonly #sender2: readonly BlobSender[]
  readonly #turns = [0, 0]
  #heartbeatWatchdog: HeartbeatWatchdog
  #dataWatchdog: DataWatchdog

  constructor(configuration: ToolkitConfiguration, environment: CompositeEnvironment, outputs: CompositeOutputs) {
    const { scheduler, secondMs } = environment
    this.#configuration = configuration
    this.#environment = environment
    this.#outputs = outputs
    this.#preparer = this.#newPreparer()
    this.#sender1 = this.#newSender('CrossDataCenterSender1', configuration.crossDCHttpPort, HEARTBEAT_PATH, 1)
    this.#sender2 = Array.from({ length: configuration.numberOfHttpSenderReceiverPairs }, (_, channel) => {
      const port = configuration.crossDCHttpPort + 1 + channel
      return this.#newSender(`CrossDataCenterSender2[${channel}]`, port, dataPath(channel), 3)
    })
    this.#heartbeatWatchdog = this.#newHeartbeatWatchdog()
    this.#dataWatchdog = this.#newDataWatchdog()
    const initDelayMs = configuration.crossDCInitDelay * secondMs
    const periodMs = configuration.heartbeatExchangeInterval * secondMs
    this.#beacon = new Beacon({ initDelayMs, periodMs }, scheduler, () => this.#tick())
  }

  start(): void {
    this.#beacon.start()
  }

  stop(): void {
    this.#beacon.stop()
  }

  /** A POST on the heartbeat port. */
  heartbeat(body: Uint8Array, headers?: Readonly<Record<string, string>>): void {
    this.#submitted('CrossDataCenterReceiverForHB', 0)
    this.#environment.truth('heartbeat-in')
    this.#processed('RemoteDataCenterHeartbeatWatchdog', 0)
    this.#heartbeatWatchdog.heartbeat(body, headers)
  }

  /** A POST on the data port of a pair. */
  data(channel: number, body: Uint8Array, headers?: Readonly<Record<string, string>>): void {
    this.#submitted(`CrossDataCenterReceiver[${channel}]`, 0)
    this.#processed('RemoteDataCenterWatchdog', 0)
    this.#dataWatchdog.data(body, headers)
  }

  /** Input stream `SerializedDataSnapshotMessage`: a whole type-2 message, built by the application. */
  serializedDataSnapshotMessage(bytes: Uint8Array): void {
    this.#sendData(0, bytes)
  }

  /** Input stream `SpecialMessage`. */
  specialMessage(text: string): void {
    this.#processed('HeartbeatMessagePreparer', 2)
    this.#preparer.specialMessage(text)
    this.#processed('RemoteDataCenterHeartbeatWatchdog', 2)
    this.#heartbeatWatchdog.specialMessage(text)
    this.#processed('RemoteDataCenterWatchdog', 2)
    this.#dataWatchdog.specialMessage(text)
  }

  /** The watchdog as it is after a relaunch of its PE alone. */
  replaceHeartbeatWatchdog(): void {
    this.#heartbeatWatchdog = this.#newHeartbeatWatchdog()
  }

  /** The data watchdog as it is after a relaunch of its PE alone. */
  replaceDataWatchdog(): void {
    this.#dataWatchdog = this.#newDataWatchdog()
  }

  #tick(): void {
    this.#submitted('HeartbeatSignalGenerator', 0)
    this.#processed('HeartbeatMessagePreparer', 0)
    this.#preparer.tick()
    this.#processed('RemoteDataCenterHeartbeatWatchdog', 1)
    this.#heartbeatWatchdog.tick()
  }

  #status(active: boolean): void {
    const { truth, defects, scheduler } = this.#environment
    this.#submitted('RemoteDataCenterHeartbeatWatchdog', 0)
    truth('peer-view', { view: active ? 'up' : 'down' })
    this.#processed('HeartbeatMessagePreparer', 1)
    this.#preparer.remoteDataCenterStatus(active)
    if (!active && defects?.mute) return
    // The consumers of one stream run in parallel; here those within the composite come first.
    const tell = (): void => {
      this.#processed('RemoteDataCenterWatchdog', 1)
      this.#dataWatchdog.remoteDataCenterStatus(active)
      this.#outputs.remoteDataCenterStatus(active)
    }
    if (!active && defects?.takeoverDelayMs) scheduler.after(defects.takeoverDelayMs, tell)
    else tell()
  }

  /** A parallel region hands the tuples of each stream to its channels in turn. */
  #sendData(port: 0 | 1, bytes: Uint8Array): void {
    const turn = this.#turns[port] ?? 0
    this.#turns[port] = turn + 1
    this.#sender2[turn % this.#sender2.length]?.send(bytes, port)
  }

  #merge(port: number, message: HeartbeatMessage): void {
    this.#processed('RemoteDCDataMerger', port)
    this.#submitted('RemoteDCDataMerger', 0)
    this.#outputs.processDataFromRemoteDC(message)
  }

  /** Operator `SendSnapshotFilesData`: everything that is stored, whoever stored it. */
  #sendSnapshotFilesData(): void {
    const { store, trace } = this.#environment
    this.#processed('SendSnapshotFilesData', 0)
    for (const name of store.list()) {
      const message = readSnapshot(store, name, 'SendSnapshotFilesData', trace)
      if (message) {
        this.#submitted('SendSnapshotFilesData', 0)
        this.#merge(1, message)
      }
      store.remove(name)
    }
  }

  #httpPostResponse(response: HttpResponse): void {
    this.#processed('HttpPostResponseSink', 0)
    const text = `HTTP POST response={responseCode=${response.responseCode},responseMessage=${JSON.stringify(response.responseMessage)}}`
    this.#environment.trace('info', 'CrossDCSender', `${MARK} ${text}`)
  }

  #newPreparer(): HeartbeatMessagePreparer {
    const { store, trace, truth } = this.#environment
    const outputs = {
      heartbeat: (bytes: Uint8Array) => {
        this.#submitted('HeartbeatMessagePreparer', 0)
        truth('heartbeat-out')
        this.#sender1.send(bytes)
      },
      nonHeartbeat: (bytes: Uint8Array) => {
        this.#submitted('HeartbeatMessagePreparer', 1)
        this.#sendData(1, bytes)
      },
      dataSnapshotSignal: (message: HeartbeatMessage) => {
        this.#submitted('HeartbeatMessagePreparer', 2)
        this.#outputs.dataSnapshotSignal(message)
      },
      processDataFromSnapshotFiles: () => {
        this.#submitted('HeartbeatMessagePreparer', 3)
        this.#sendSnapshotFilesData()
      },
      purged: () => truth('purged'),
      quiesced: () => truth('quiesced'),
    }
    return new HeartbeatMessagePreparer(this.#configuration, store, outputs, trace)
  }

  #newHeartbeatWatchdog(): HeartbeatWatchdog {
    const { trace, defects } = this.#environment
    return new HeartbeatWatchdog(
      { missesAllowed: this.#configuration.consecutiveHeartbeatMissesAllowed, ...(defects ? { defects } : {}) },
      (active) => this.#status(active),
      trace,
    )
  }

  #newDataWatchdog(): DataWatchdog {
    const { store, trace, truth, defects } = this.#environment
    const outputs = {
      processDataFromRemoteDC: (message: HeartbeatMessage) => {
        this.#submitted('RemoteDataCenterWatchdog', 0)
        this.#merge(0, message)
      },
      stored: (name: string) => truth('snapshot-stored', { name }),
      takeoverBegin: () => truth('takeover-begin'),
      takeoverEnd: (snapshots: number) => truth('takeover-end', { snapshots }),
    }
    const passive = this.#configuration.crossDCOperationMode === 0
    return new DataWatchdog({ passive, ...(defects ? { defects } : {}) }, store, outputs, trace)
  }

  #newSender(name: string, port: number, path: string, inputPorts: number): BlobSender {
    const { counters, post, trace, secondMs } = this.#environment
    const configuration = this.#configuration
    return new BlobSender(
      {
        hosts: configuration.remoteDataCenterApplicationMachineNames,
        port,
        path,
        sendToAll: configuration.sendToAllRemoteMachines,
        alwaysLogErrors: configuration.alwaysLogHttpErrors,
        connectTimeoutMs: configuration.httpConnectionTimeout * secondMs,
        readTimeoutMs: configuration.httpReadTimeout * secondMs,
      },
      {
        inputs: Array.from({ length: inputPorts }, (_, input) => counters.input(own(name), input)),
        output: counters.output(own(name), 0),
      },
      { post, trace, failed: (response) => this.#httpPostResponse(response) },
    )
  }

  #processed(operator: string, port: number): void {
    this.#environment.counters.input(own(operator), port).processed++
  }

  #submitted(operator: string, port: number): void {
    this.#environment.counters.output(own(operator), port).submitted++
  }
}
