/** Reads a drill's record back as plain objects, for tests. */
import { readFileSync } from 'node:fs'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DCS, FILES, historyEvent, Kind, openRecorder, RecordStream, type DrillRecorder } from '../history/index.ts'
import type { HistoryEvent } from '../history/index.ts'
import type { DcName, Outcome } from './types.ts'

/** One attempt to send a tuple, with the outcome of its batch. */
export interface LedgerSend {
  readonly seq: number
  readonly key: number
  readonly keySeq: number
  readonly value: number
  readonly dc: DcName
  readonly batch: number
  readonly attempt: number
  readonly sentAt: number
  outcome?: Outcome
  doneAt?: number
}

/** One sight with the bounds of its poll. */
export interface LedgerSight {
  readonly seq: number
  readonly key: number
  readonly keySeq: number
  readonly count: number
  readonly sum: number
  readonly flags: number
  readonly dc: DcName
  readonly earliest: number
  readonly latest: number
}

/** A drill's record. */
export interface Ledger {
  readonly sends: readonly LedgerSend[]
  readonly sights: readonly LedgerSight[]
  readonly overrun: number
  readonly events: readonly HistoryEvent[]
}

/** A recorder in a directory of its own that goes away with it. */
export function temporaryRecorder(): DrillRecorder & { ledger(): Ledger } {
  const directory = mkdtempSync(join(tmpdir(), 'traffic-test-'))
  const recorder = openRecorder(directory)
  return {
    ...recorder,
    directory,
    ledger: () => readLedger(directory),
    async [Symbol.asyncDispose]() {
      await recorder[Symbol.asyncDispose]()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const OUTCOMES: readonly (Outcome | undefined)[] = [undefined, 'acknowledged', 'refused', 'indeterminate']

/** Reads a record while it is written or afterwards. */
export function readLedger(directory: string): Ledger {
  const sends: LedgerSend[] = []
  const outcomes = new Map<number, { outcome: Outcome; doneAt: number }>()
  each(join(directory, FILES.sends), Kind.sendsHeader, [Kind.send, Kind.outcome], (f64, u32, u8) => {
    const dc = DCS[u8[37] ?? 0] ?? 'east'
    const batch = u32[8] ?? 0
    if (u8[36] === Kind.send) {
      const [seq = 0, sentAt = 0, value = 0] = f64
      sends.push({ seq, key: u32[6] ?? 0, keySeq: u32[7] ?? 0, value, dc, batch, attempt: u8[38] ?? 0, sentAt })
    } else {
      const outcome = OUTCOMES[u8[38] ?? 0]
      if (outcome) outcomes.set(batch, { outcome, doneAt: f64[0] ?? 0 })
    }
  })
  for (const send of sends) Object.assign(send, outcomes.get(send.batch))
  const sights: LedgerSight[] = []
  let earliest = 0
  let latest = 0
  let overrun = 0
  each(join(directory, FILES.sights), Kind.sightsHeader, [Kind.poll, Kind.sight], (f64, u32, u8) => {
    if (u8[36] === Kind.poll) {
      ;[, latest = 0, earliest = 0] = f64
      overrun += u32[6] ?? 0
      return
    }
    const [seq = 0, , sum = 0] = f64
    const [key = 0, keySeq = 0, count = 0] = u32.subarray(6)
    sights.push({ seq, key, keySeq, count, sum, flags: u8[38] ?? 0, dc: DCS[u8[37] ?? 0] ?? 'east', earliest, latest })
  })
  const lines = readFileSync(join(directory, FILES.events), 'utf8').split('\n').filter(Boolean)
  return { sends, sights, overrun, events: lines.map((line) => historyEvent.parse(JSON.parse(line))) }
}

function each(
  path: string,
  header: number,
  kinds: readonly [number, number],
  visit: (f64: Float64Array, u32: Uint32Array, u8: Uint8Array) => void,
): void {
  using stream = new RecordStream(path, header, kinds)
  while (stream.advance()) {
    for (let i = 0; i < stream.length; i++) {
      const { f64, u32, u8 } = stream.views
      visit(f64.subarray(i * 5), u32.subarray(i * 10), u8.subarray(i * 40))
    }
  }
}
