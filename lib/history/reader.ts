import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../core/index.ts'
import { CorruptHistoryError, HistoryError } from './errors.ts'
import { historyEvent, type DrillStarted, type HistoryEvent } from './events.ts'
import { FILES, Kind } from './format.ts'
import { completeLines } from './lines.ts'
import { readNames, type Names } from './names.ts'
import { RecordStream } from './record-stream.ts'

/** A drill's record as it was read. */
export interface History {
  readonly directory: string
  readonly start: DrillStarted
  /** All events in the order in which they were written, `start` included. */
  readonly events: readonly HistoryEvent[]
  /** Bytes of a line that was being written when the writer died. */
  readonly tailBytes: number
  /** Opens the tuple log for one pass; dispose of it. @throws CorruptHistoryError */
  openTuples(): TupleStreams
}

/** Both halves of a tuple log, to be read forward side by side. */
export interface TupleStreams extends Disposable {
  readonly names: Names
  readonly sends: RecordStream
  readonly sights: RecordStream
}

/**
 * Reads the record of a drill, also while it is being written. A partial last line or record is left out and reported.
 * @throws HistoryError if there is none; CorruptHistoryError naming file and offset
 */
export function readHistory(directory: string): History {
  const file = join(directory, FILES.events)
  if (!existsSync(file)) {
    throw new HistoryError(`There is no record of a drill in ${directory}: ${FILES.events} is missing.`, {
      remedy: 'Name the directory of one drill, as in .failover/latest/<drill>.',
    })
  }
  const { lines, tailBytes } = completeLines(readFileSync(file))
  const events = lines.map(({ text, offset }) => parseEvent(file, text, offset))
  const start = events[0]
  if (start?.type !== 'drill-started') {
    throw new HistoryError(`The record in ${directory} does not begin with the start of a drill.`, {
      remedy: 'The runner died before the drill began, or this is not a record of a drill.',
    })
  }
  return { directory, start, events, tailBytes, openTuples: () => openTuples(directory) }
}

function openTuples(directory: string): TupleStreams {
  const names = readNames(directory)
  const sends = new RecordStream(join(directory, FILES.sends), Kind.sendsHeader, [Kind.send, Kind.outcome])
  const sights = new RecordStream(join(directory, FILES.sights), Kind.sightsHeader, [Kind.poll, Kind.sight])
  return {
    names,
    sends,
    sights,
    [Symbol.dispose]() {
      sends[Symbol.dispose]()
      sights[Symbol.dispose]()
    },
  }
}

function parseEvent(file: string, text: string, offset: number): HistoryEvent {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new CorruptHistoryError(file, offset, `a line is not JSON (${messageOf(error)})`, { cause: error })
  }
  const event = historyEvent.safeParse(json)
  if (!event.success)
    throw new CorruptHistoryError(file, offset, `a line is not an event (${z.prettifyError(event.error)})`)
  return event.data
}
