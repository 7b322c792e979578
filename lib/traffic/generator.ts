import { hash, seeded, type Random } from '../core/index.ts'
import type { KeyEntry } from '../history/index.ts'

/** What is in a tuple before it is numbered and sent. */
export interface Content {
  readonly keySeq: number
  readonly value: number
  readonly payload: string
  /** Further members as JSON text, each followed by its value, joined and led by commas: `,"a":1`. Empty if none. */
  readonly more: string
}

/** Gives the contents of one key's tuples, one after the other. */
export interface KeyGenerator {
  readonly entry: KeyEntry
  /** Index in the key table. */
  readonly index: number
  next(row?: PreparedRow): Content
}

/** A row of a source as it is posted to the worker: its further members turned into JSON text. */
export interface PreparedRow {
  readonly value?: number
  readonly payload?: string
  readonly more: string
}

const POOL_CHARACTERS = 16_384
const LARGEST_VALUE = 1000

/** Letters and digits from a seed, from which paddings are cut. */
export function payloadPool(seed: number): string {
  const random = seeded(seed).fork('payload-pool')
  let pool = ''
  while (pool.length < POOL_CHARACTERS) pool += random.integer(0, 0x7fffffff).toString(36)
  return pool.slice(0, POOL_CHARACTERS)
}

/**
 * A generator for a key. Values and paddings depend on the seed, the key's place in the run and the number of the tuple within
 * its key alone, so that they come out the same whatever the timing was.
 */
export function keyGenerator(options: {
  readonly entry: KeyEntry
  readonly index: number
  /** The key's place in its run. */
  readonly place: number
  readonly seed: number
  readonly payloadBytes: number
  readonly pool: string
}): KeyGenerator {
  const random: Random = seeded(options.seed).fork(`key/${options.place}`)
  const { payloadBytes, pool, entry, index } = options
  let keySeq = 0
  return {
    entry,
    index,
    next(row) {
      const value = random.integer(1, LARGEST_VALUE)
      const payload = payloadBytes === 0 ? '' : cut(pool, random, payloadBytes)
      return {
        keySeq: ++keySeq,
        value: row?.value ?? value,
        payload: row?.payload ?? payload,
        more: row?.more ?? '',
      }
    },
  }
}

function cut(pool: string, random: Random, bytes: number): string {
  const from = random.integer(0, pool.length - 1)
  if (from + bytes <= pool.length) return pool.slice(from, from + bytes)
  let text = pool.slice(from)
  while (text.length < bytes) text += pool
  return text.slice(0, bytes)
}

/** A short text that tells runs apart, from a seed and a number that differs between runs. */
export function runTag(seed: number, salt: number): string {
  return hash(`${seed}/${salt}`).toString(36).padStart(7, '0').slice(-6)
}
