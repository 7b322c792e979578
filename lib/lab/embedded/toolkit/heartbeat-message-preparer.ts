import { encodeHeartbeatMessage, heartbeatMessage, MESSAGE_TYPE, type HeartbeatMessage } from '../../../toolkit/wire.ts'
import type { ToolkitConfiguration } from '../../../toolkit/configuration.ts'
import type { SnapshotStore } from './snapshot-store.ts'
import { MARK, type Trace } from './trace.ts'

/** What the preparer emits. */
export interface PreparerOutputs {
  heartbeat(bytes: Uint8Array): void
  /** Types 3 and 4, for the data channel. */
  nonHeartbeat(bytes: Uint8Array): void
  dataSnapshotSignal(message: HeartbeatMessage): void
  processDataFromSnapshotFiles(): void
  purged(): void
  quiesced(): void
}

const ASPECT = 'Heartbeat-Message-Preparer'

/** Operator `HeartbeatMessagePreparer`: decides at each local tick what is sent (toolkit reference §7). */
export class HeartbeatMessagePreparer {
  readonly #configuration: ToolkitConfiguration
  readonly #store: SnapshotStore
  readonly #outputs: PreparerOutputs
  readonly #trace: Trace
  #count = 1n
  #sensed = false
  #remoteActive = false
  #justStarted = true
  #shuttingDown = false

  constructor(configuration: ToolkitConfiguration, store: SnapshotStore, outputs: PreparerOutputs, trace: Trace) {
    this.#configuration = configuration
    this.#store = store
    this.#outputs = outputs
    this.#trace = trace
  }

  /**
   * The local tick.
   * @throws RangeError (a division by zero) where the snapshot interval is less than a second: it ends the real process too
   */
  tick(): void {
    if (this.#shuttingDown) return
    if (this.#justStarted) {
      this.#justStarted = false
      this.#purge()
    }
    if (this.#sensed && !this.#remoteActive) return
    if (this.#snapshotIsDue() && this.#configuration.crossDCOperationMode === 1) {
      this.#outputs.dataSnapshotSignal(this.#message({ heartbeatMsgType: MESSAGE_TYPE.snapshot }))
      this.#count++
    }
    this.#outputs.heartbeat(encodeHeartbeatMessage(this.#message({ heartbeatMsgType: MESSAGE_TYPE.heartbeat })))
    this.#count++
  }

  /** The watchdog's notice. */
  remoteDataCenterStatus(active: boolean): void {
    if (this.#shuttingDown) return
    this.#remoteActive = active
    if (!active || this.#sensed) return
    this.#sensed = true
    if (this.#configuration.sendDataSnapshotsToOriginDCAtStartup) this.#giveBack()
  }

  /** `OrderlyShutdown` or `SendMeDataFromSnapshotFiles`; anything else is ignored. */
  specialMessage(text: string): void {
    if (text === 'OrderlyShutdown') {
      this.#shuttingDown = true
      const message = this.#message({ heartbeatMsgType: MESSAGE_TYPE.orderlyShutdown })
      this.#count++
      this.#outputs.nonHeartbeat(encodeHeartbeatMessage(message))
      const { localDataCenterName } = this.#configuration
      const text = `We sent an orderly shutdown message from the local DC ${localDataCenterName} to the remote DC.`
      this.#trace('error', ASPECT, `${MARK} ${text}`)
      this.#outputs.quiesced()
    } else if (text === 'SendMeDataFromSnapshotFiles') {
      this.#outputs.processDataFromSnapshotFiles()
    }
  }

  #purge(): void {
    const { retainOlderDataSnapshotsAtStartup, sendDataSnapshotsToOriginDCAtStartup } = this.#configuration
    if (retainOlderDataSnapshotsAtStartup || sendDataSnapshotsToOriginDCAtStartup) return
    for (const name of this.#store.list()) this.#store.remove(name)
    this.#outputs.purged()
  }

  /** Whole seconds count, and a snapshot counts as a heartbeat: so the cadence is faster than the configured one. */
  #snapshotIsDue(): boolean {
    if (!this.#remoteActive) return false
    const { heartbeatExchangeInterval, dataSnapshotExchangeInterval } = this.#configuration
    const heartbeat = BigInt(Math.trunc(heartbeatExchangeInterval))
    return (this.#count * heartbeat) % BigInt(Math.trunc(dataSnapshotExchangeInterval)) === 0n
  }

  /** First contact: each stored message goes back whole to the data centre that made it. */
  #giveBack(): void {
    for (const name of this.#store.list()) {
      let dataSnapshot: Uint8Array
      try {
        dataSnapshot = this.#store.read(name)
      } catch {
        const text = `During application startup, we are unable to read the binary data snapshot from this file to be sent to the Remote DC: ${this.#store.place(name)}.`
        this.#trace('error', ASPECT, `${MARK} ${text}`)
        continue
      }
      if (dataSnapshot.length === 0) continue
      const message = this.#message({ heartbeatMsgType: MESSAGE_TYPE.giveBack, dataSnapshot })
      this.#count++
      this.#outputs.nonHeartbeat(encodeHeartbeatMessage(message))
      const text = `During application startup, we sent ${dataSnapshot.length} bytes of the binary data snapshot to the remote DC from this file: ${this.#store.place(name)}.`
      this.#trace('error', ASPECT, `${MARK} ${text}`)
    }
    for (const name of this.#store.list()) this.#store.remove(name)
  }

  #message(attributes: Partial<HeartbeatMessage>): HeartbeatMessage {
    return heartbeatMessage({
      heartbeatCnt: this.#count,
      dataCenterOrigin: this.#configuration.localDataCenterName,
      ...attributes,
    })
  }
}
