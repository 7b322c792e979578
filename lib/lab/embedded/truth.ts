import { openSync, writeSync } from 'node:fs'
import { now } from '../../core/index.ts'

/** The lab's record of what truly happened, and when: one JSON object per line, on the machine's monotonic clock. */
export interface Truth {
  /** Appends `{ at, dc?, event, …fields }`. One write call per line, so that many processes may share the file. */
  write(event: string, fields?: Readonly<Record<string, unknown>>): void
}

/** Opens the truth file for appending. */
export function openTruth(file: string, dc?: string): Truth {
  const descriptor = openSync(file, 'a', 0o600)
  return {
    write: (event, fields) => {
      const line = { at: now(), ...(dc === undefined ? {} : { dc }), event, ...fields }
      writeSync(descriptor, `${JSON.stringify(line)}\n`)
    },
  }
}
