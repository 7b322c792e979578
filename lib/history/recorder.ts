import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { redact } from '../core/index.ts'
import { HistoryError } from './errors.ts'
import { historyEvent, type HistoryEventInput } from './events.ts'
import { FILES } from './format.ts'
import { lengthOfCompleteLines } from './lines.ts'
import type { TupleLogWriter } from './tuple-log.ts'
import { openTupleLog, type TupleLogOptions } from './tuple-log-writer.ts'

/** The record of a drill while it runs. Disposing of it flushes and closes all files. */
export interface DrillRecorder extends AsyncDisposable {
  readonly directory: string
  /**
   * Appends one event, without secrets; it has been handed to the operating system when this returns, so that it outlives a
   * killed process.
   * @throws HistoryError if the event does not fit its schema, or the recorder is closed
   */
  event(event: HistoryEventInput): void
  readonly tuples: TupleLogWriter
}

/**
 * Opens the record of a drill in a directory of its own, which is created with mode 0700. A record that is there is continued
 * after its last complete line.
 */
export function openRecorder(directory: string, options: TupleLogOptions = {}): DrillRecorder {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, FILES.events)
  let fd: number | undefined = openSync(path, 'a', 0o600)
  if (fstatSync(fd).size > 0) ftruncateSync(fd, lengthOfCompleteLines(readFileSync(path)))
  const tuples = openTupleLog(directory, options)
  return {
    directory,
    tuples,
    event(event) {
      if (fd === undefined) throw new HistoryError(`The record in ${directory} is closed.`)
      const parsed = historyEvent.safeParse(event)
      if (!parsed.success) {
        throw new HistoryError(
          `An event of type ${JSON.stringify(event.type)} is malformed: ${z.prettifyError(parsed.error)}`,
        )
      }
      writeSync(fd, redact(JSON.stringify(parsed.data)) + '\n')
    },
    [Symbol.asyncDispose]() {
      tuples.close()
      if (fd !== undefined) closeSync(fd)
      fd = undefined
      return Promise.resolve()
    },
  }
}
