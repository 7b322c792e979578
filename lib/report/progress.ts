import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, now, processExists, redact } from '../core/index.ts'

const progressSchema = z.object({
  pid: z.number(),
  drill: z.string(),
  /** Monotonic ms since when this is awaited. */
  since: z.number(),
  waitingFor: z.string(),
  seen: z.string().optional(),
})

/** What a drill is waiting for right now. `since` is an instant of the machine's monotonic clock. */
export type WaitingDrill = z.infer<typeof progressSchema>

/** A drill's way to tell the console what it waits for. */
export interface DrillProgress {
  /**
   * Shows that a wait begins. The answer takes what each probe saw (it fits `onAttempt` of `eventually`); with
   * `Symbol.dispose`, or the next wait, the line goes away.
   */
  waiting(waitingFor: string): DrillWait
  [Symbol.dispose](): void
}

/** A wait that is shown. Calling it says what is seen. */
export interface DrillWait {
  (seen: string): void
  [Symbol.dispose](): void
}

/** Files are written at most this often per drill; the console redraws no faster. */
const WRITE_EVERY_MS = 200

/**
 * Opens a drill's channel to the console: one small file under the run's directory, replaced in place. It works from any process
 * and survives any end of it; a progress that cannot be written is dropped, since it must never fail a drill.
 */
export function openProgress(options: { readonly runDirectory: string; readonly drill: string }): DrillProgress {
  const directory = join(options.runDirectory, 'progress')
  const file = join(directory, `${process.pid}-${counter++}.json`)
  let writtenAt = -Infinity
  const write = (content: WaitingDrill): void => {
    writtenAt = now()
    try {
      mkdirSync(directory, { recursive: true })
      writeFileSync(`${file}.new`, redact(JSON.stringify(content)))
      renameSync(`${file}.new`, file)
    } catch (error) {
      process.emitWarning(`progress is not shown: ${messageOf(error)}`)
    }
  }
  const clear = (): void => {
    try {
      rmSync(file, { force: true })
    } catch (error) {
      process.emitWarning(`progress is not cleared: ${messageOf(error)}`)
    }
  }
  let current = 0
  return {
    waiting: (waitingFor) => {
      const since = now()
      const wait = ++current
      const content = { pid: process.pid, drill: options.drill, since, waitingFor }
      write(content)
      const seen = (text: string): void => {
        if (wait === current && now() - writtenAt >= WRITE_EVERY_MS) write({ ...content, seen: text })
      }
      return Object.assign(seen, {
        [Symbol.dispose]: () => {
          if (wait === current) clear()
        },
      })
    },
    [Symbol.dispose]: () => {
      current++
      clear()
    },
  }
}

let counter = 0

/** What drills of a run are waiting for. Files of processes that are gone are skipped. */
export function readProgress(runDirectory: string): readonly WaitingDrill[] {
  const directory = join(runDirectory, 'progress')
  let names: readonly string[]
  try {
    names = readdirSync(directory)
  } catch {
    return []
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) => {
      try {
        const waiting = progressSchema.parse(JSON.parse(readFileSync(join(directory, name), 'utf8')))
        return processExists(waiting.pid) ? [waiting] : []
      } catch {
        return []
      }
    })
}
