import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../core/index.ts'
import { CorruptHistoryError } from './errors.ts'
import { dcName } from './events.ts'
import { FILES } from './format.ts'
import { completeLines, lengthOfCompleteLines } from './lines.ts'
import type { KeyEntry } from './tuple-log.ts'

const line = z.discriminatedUnion('type', [
  z.object({ type: z.literal('key'), key: z.string(), home: dcName, witness: z.boolean().optional() }),
  z.object({ type: z.literal('reason'), text: z.string() }),
])

/** The texts to which records refer by number: keys and reasons, each counted from 0 in the order of the file. */
export interface Names {
  readonly keys: readonly KeyEntry[]
  readonly reasons: readonly string[]
}

/** Reads `tuples.names.jsonl`; a missing file is an empty table, a partial last line is left out. */
export function readNames(directory: string): Names {
  const file = join(directory, FILES.names)
  const keys: KeyEntry[] = []
  const reasons: string[] = []
  if (!existsSync(file)) return { keys, reasons }
  for (const { text, offset } of completeLines(readFileSync(file)).lines) {
    let entry
    try {
      entry = line.parse(JSON.parse(text))
    } catch (error) {
      throw new CorruptHistoryError(file, offset, `not a line of the table of names (${messageOf(error)})`)
    }
    if (entry.type === 'reason') reasons.push(entry.text)
    else keys.push({ key: entry.key, home: entry.home, ...(entry.witness ? { witness: true } : {}) })
  }
  return { keys, reasons }
}

/** Appender of `tuples.names.jsonl`. */
export class NamesWriter {
  readonly #fd: number
  readonly #reasons = new Map<string, number>()
  #keys: number

  constructor(directory: string) {
    const known = readNames(directory)
    this.#keys = known.keys.length
    for (const text of known.reasons) this.#reasons.set(text, this.#reasons.size)
    const path = join(directory, FILES.names)
    this.#fd = openSync(path, 'a', 0o600)
    if (fstatSync(this.#fd).size > 0) ftruncateSync(this.#fd, lengthOfCompleteLines(readFileSync(path)))
  }

  keys(entries: readonly KeyEntry[]): number {
    const first = this.#keys
    this.#keys += entries.length
    const lines = entries.map(({ key, home, witness }) => JSON.stringify({ type: 'key', key, home, witness }) + '\n')
    if (lines.length > 0) writeSync(this.#fd, lines.join(''))
    return first
  }

  /** Number of a reason; beyond 4096 distinct ones, that of `other`. */
  reason(text: string): number {
    const known = this.#reasons.get(text)
    if (known !== undefined) return known
    if (this.#reasons.size >= 4096) return this.#add('other')
    return this.#add(text)
  }

  #add(text: string): number {
    const known = this.#reasons.get(text)
    if (known !== undefined) return known
    const number = this.#reasons.size
    this.#reasons.set(text, number)
    writeSync(this.#fd, JSON.stringify({ type: 'reason', text }) + '\n')
    return number
  }

  close(): void {
    closeSync(this.#fd)
  }
}
