import { messageOf } from '../../../core/index.ts'
import { decodeHeartbeatMessage, MESSAGE_TYPE, type HeartbeatMessage } from '../../../toolkit/wire.ts'
import type { SnapshotStore } from './snapshot-store.ts'
import { MARK, showBlob, type Trace } from './trace.ts'

const ASPECT = 'RemoteDC-Watchdog'

/** What the watchdog over the data channel tells. */
export interface DataWatchdogOutputs {
  /** A snapshot to take over (type 2), or own state that came back (type 4). */
  processDataFromRemoteDC(message: HeartbeatMessage): void
  stored(name: string): void
  takeoverBegin(): void
  takeoverEnd(snapshots: number): void
}

/** Defects that can be planted here. */
export interface DataWatchdogDefects {
  /** Does not remember what it stored. */
  readonly forgetsNames?: boolean
}

/** Operator `RemoteDataCenterWatchdog`: stores snapshots, and hands them over when their maker is down (reference §9). */
export class DataWatchdog {
  readonly #passive: boolean
  readonly #defects: DataWatchdogDefects
  readonly #store: SnapshotStore
  readonly #outputs: DataWatchdogOutputs
  readonly #trace: Trace
  /** Snapshots received in this life of the process; what earlier lives stored is not in it. */
  readonly #names = new Set<string>()
  #shuttingDown = false

  constructor(
    options: { readonly passive: boolean; readonly defects?: DataWatchdogDefects },
    store: SnapshotStore,
    outputs: DataWatchdogOutputs,
    trace: Trace,
  ) {
    this.#passive = options.passive
    this.#defects = options.defects ?? {}
    this.#store = store
    this.#outputs = outputs
    this.#trace = trace
  }

  /** A POST on a data port. */
  data(body: Uint8Array, headers: Readonly<Record<string, string>> = {}): void {
    if (this.#shuttingDown) return
    this.#trace('info', ASPECT, `${MARK} HTTP Request Headers=${JSON.stringify(headers)}`)
    this.#trace('info', ASPECT, `${MARK} Blob size=${body.length}`)
    this.#trace('info', ASPECT, `${MARK} Blob data=${showBlob(body)}`)
    let message: HeartbeatMessage
    try {
      message = decodeHeartbeatMessage(body)
    } catch (error) {
      this.#trace('error', ASPECT, `${MARK} ${messageOf(error)}`)
      return
    }
    if (message.heartbeatMsgType === MESSAGE_TYPE.orderlyShutdown) this.#forgetAll(message)
    else if (message.heartbeatMsgType === MESSAGE_TYPE.giveBack) this.#ownStateReturned(message)
    else if (message.heartbeatMsgType === MESSAGE_TYPE.snapshot) this.#snapshot(message, body)
  }

  /** The heartbeat watchdog's notice; not gated by an orderly shutdown, as in the source. */
  remoteDataCenterStatus(active: boolean): void {
    if (active || this.#passive) return
    this.#outputs.takeoverBegin()
    let snapshots = 0
    for (const name of this.#names) {
      const bytes = readSnapshot(this.#store, name, ASPECT, this.#trace)
      if (bytes) {
        this.#outputs.processDataFromRemoteDC(bytes)
        snapshots++
      }
      this.#store.remove(name)
    }
    this.#names.clear()
    this.#outputs.takeoverEnd(snapshots)
  }

  specialMessage(text: string): void {
    if (text === 'OrderlyShutdown') this.#shuttingDown = true
  }

  #snapshot(message: HeartbeatMessage, body: Uint8Array): void {
    const { heartbeatCnt, dataCenterOrigin, dataSnapshotOrigin, dataSnapshot } = message
    const name = `${dataCenterOrigin}-${dataSnapshotOrigin}`
    const empty = dataSnapshot.length === 0
    const text = `Received the heartbeat message ${heartbeatCnt} with a ${empty ? 'zero' : 'non-zero'} length data snapshot from the data center named ${dataCenterOrigin}. Data snapshot origin=${dataSnapshotOrigin}.`
    this.#trace('info', ASPECT, `${MARK} ${text}`)
    if (empty) {
      this.#store.remove(name)
      this.#names.delete(name)
      return
    }
    const place = this.#store.place(name)
    try {
      this.#store.write(name, body)
      if (!this.#defects.forgetsNames) this.#names.add(name)
      const text = `Successfully replicated and persisted the data snapshot in this file: ${place}`
      this.#trace('info', ASPECT, `${MARK} ${text}`)
      this.#outputs.stored(name)
    } catch (error) {
      this.#store.remove(name)
      this.#names.delete(name)
      const text = `Unable to replicate and persist the data snapshot in this file: ${place}. Error code=${messageOf(error)}`
      this.#trace('error', ASPECT, `${MARK} ${text}`)
    }
  }

  /** Type 3: what is held for the sender goes, and nothing else happens. DOWN comes from the silence that follows. */
  #forgetAll({ heartbeatCnt, dataCenterOrigin }: HeartbeatMessage): void {
    const text = `Received a remote DC orderly shutdown message with a heartbeat count ${heartbeatCnt} from the data center named ${dataCenterOrigin}.`
    this.#trace('info', ASPECT, `${MARK} ${text}`)
    for (const name of this.#names) this.#store.remove(name)
    this.#names.clear()
  }

  #ownStateReturned({ heartbeatCnt, dataCenterOrigin, dataSnapshot }: HeartbeatMessage): void {
    const text = `During the application startup, received a data snapshot that originally belonged to this DC before it went down. Heartbeat count=${heartbeatCnt}, data snapshot size=${dataSnapshot.length}. It came from the remote data center named ${dataCenterOrigin}.`
    this.#trace('info', ASPECT, `${MARK} ${text}`)
    if (dataSnapshot.length === 0) return
    try {
      const inner = decodeHeartbeatMessage(dataSnapshot)
      this.#outputs.processDataFromRemoteDC({ ...inner, heartbeatMsgType: MESSAGE_TYPE.giveBack })
    } catch (error) {
      this.#trace('error', ASPECT, `${MARK} ${messageOf(error)}`)
    }
  }
}

/** A stored message, or undefined and an error trace where it cannot be read. */
export function readSnapshot(
  store: SnapshotStore,
  name: string,
  aspect: string,
  trace: Trace,
): HeartbeatMessage | undefined {
  try {
    const bytes = store.read(name)
    if (bytes.length > 0) return decodeHeartbeatMessage(bytes)
    trace('error', aspect, `${MARK} Skipping the zero length binary data snapshot file: ${store.place(name)}.`)
  } catch (error) {
    const text = `Unable to read the binary data snapshot from this file: ${store.place(name)}. Error code=${messageOf(error)}`
    trace('error', aspect, `${MARK} ${text}`)
  }
  return undefined
}
