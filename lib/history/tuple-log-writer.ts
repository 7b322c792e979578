import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { HistoryError } from './errors.ts'
import { dcIndex, FILES, Kind, OutcomeCode } from './format.ts'
import { NamesWriter } from './names.ts'
import { RecordFile } from './record-file.ts'
import type {
  OutcomeRecord,
  PollRecord,
  SendLog,
  SendRecord,
  SightLog,
  SightRecord,
  TupleLogWriter,
} from './tuple-log.ts'

/** Options of {@link openTupleLog}. */
export interface TupleLogOptions {
  /** Bytes kept in memory before they are written. Default 256 KiB. */
  readonly bufferBytes?: number
}

const DEFAULT_BUFFER = 256 * 1024

/** Opens the tuple log of a drill's directory for appending; usable in worker threads (plain synchronous file calls). */
export function openTupleLog(directory: string, options: TupleLogOptions = {}): TupleLogWriter {
  const bufferBytes = options.bufferBytes ?? DEFAULT_BUFFER
  let sends: SendLog | undefined
  let sights: SightLog | undefined
  let closed = false
  const open = <T>(make: () => T): T => {
    if (closed) throw new HistoryError(`The tuple log in ${directory} is closed.`)
    mkdirSync(directory, { recursive: true })
    return make()
  }
  return {
    get sends() {
      return (sends ??= open(() => sendLog(directory, bufferBytes)))
    },
    get sights() {
      return (sights ??= open(() => sightLog(directory, bufferBytes)))
    },
    flush() {
      sends?.flush()
      sights?.flush()
    },
    close() {
      if (closed) return
      closed = true
      sends?.close()
      sights?.close()
    },
  }
}

function sendLog(directory: string, bufferBytes: number): SendLog {
  const file = new RecordFile(join(directory, FILES.sends), Kind.sendsHeader, bufferBytes)
  const names = new NamesWriter(directory)
  return {
    keys: (entries) => names.keys(entries),
    send(record: SendRecord) {
      const i = file.next()
      const { f64, u32, u8 } = file.views
      f64[i * 5] = record.seq
      f64[i * 5 + 1] = record.sentAt
      f64[i * 5 + 2] = record.value
      u32[i * 10 + 6] = record.key
      u32[i * 10 + 7] = record.keySeq
      u32[i * 10 + 8] = record.batch
      u8[i * 40 + 36] = Kind.send
      u8[i * 40 + 37] = dcIndex(record.dc)
      u8[i * 40 + 38] = Math.min(record.attempt, 255)
      file.sealed(i)
    },
    outcome(record: OutcomeRecord) {
      const reason = names.reason(record.reason ?? '')
      const i = file.next()
      const { f64, u32, u8 } = file.views
      f64[i * 5] = record.doneAt
      f64[i * 5 + 1] = record.sentAt
      f64[i * 5 + 2] = 0
      u32[i * 10 + 6] = reason
      u32[i * 10 + 7] = 0
      u32[i * 10 + 8] = record.batch
      u8[i * 40 + 36] = Kind.outcome
      u8[i * 40 + 37] = dcIndex(record.dc)
      u8[i * 40 + 38] = OutcomeCode[record.outcome]
      file.sealed(i)
    },
    flush: () => file.flush(),
    close() {
      file.close()
      names.close()
    },
  }
}

function sightLog(directory: string, bufferBytes: number): SightLog {
  const file = new RecordFile(join(directory, FILES.sights), Kind.sightsHeader, bufferBytes)
  let dc: 0 | 1 | undefined
  return {
    poll(record: PollRecord) {
      dc = dcIndex(record.dc)
      const i = file.next()
      const { f64, u32, u8 } = file.views
      f64[i * 5] = record.asked
      f64[i * 5 + 1] = record.answered
      f64[i * 5 + 2] = record.previousAsked
      u32[i * 10 + 6] = record.overrun
      u32[i * 10 + 7] = 0
      u32[i * 10 + 8] = 0
      u8[i * 40 + 36] = Kind.poll
      u8[i * 40 + 37] = dc
      u8[i * 40 + 38] = 0
      file.sealed(i)
    },
    sight(record: SightRecord) {
      if (dc === undefined) throw new HistoryError('A sight needs a poll before it.')
      const i = file.next()
      const { f64, u32, u8 } = file.views
      f64[i * 5] = record.seq
      f64[i * 5 + 1] = record.value
      f64[i * 5 + 2] = record.sum
      u32[i * 10 + 6] = record.key
      u32[i * 10 + 7] = record.keySeq
      u32[i * 10 + 8] = record.count
      u8[i * 40 + 36] = Kind.sight
      u8[i * 40 + 37] = dc
      u8[i * 40 + 38] = record.flags
      file.sealed(i)
    },
    flush: () => file.flush(),
    close: () => file.close(),
  }
}
