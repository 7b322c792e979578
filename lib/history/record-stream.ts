import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { CorruptHistoryError } from './errors.ts'
import {
  CHECK,
  checkOf,
  ENDIAN_MARK,
  FORMAT_VERSION,
  MAGIC,
  RECORD_BYTES,
  viewsOn,
  type Views,
  u32At,
  u8At,
} from './format.ts'

const CHUNK_RECORDS = 8192

/**
 * Forward reader of a file of records: a chunk at a time, through views on one buffer, without an object per record. Reads what
 * the file held when it was opened; part of a record at the end is left out and told in `tailBytes`.
 */
export class RecordStream implements Disposable {
  readonly path: string
  /** Whether the file is there at all. */
  readonly exists: boolean
  /** Records that the file holds, the header not counted. */
  readonly total: number
  /** Bytes of an incomplete record at the end. */
  readonly tailBytes: number
  /** Views on the current chunk. */
  readonly views: Views = viewsOn(new ArrayBuffer(CHUNK_RECORDS * RECORD_BYTES))
  /** Records in the current chunk. */
  length = 0
  /** Number of the first record of the current chunk within the file, from 0. */
  base = 0
  readonly #low: number
  readonly #high: number
  #fd: number | undefined
  #read = 0

  /** `kinds`: the lowest and the highest kind of record that the file may hold. */
  constructor(path: string, headerKind: number, kinds: readonly [number, number]) {
    this.path = path
    this.#low = kinds[0]
    this.#high = kinds[1]
    this.exists = existsSync(path)
    if (!this.exists) {
      this.total = 0
      this.tailBytes = 0
      return
    }
    this.#fd = openSync(path, 'r')
    const { size } = fstatSync(this.#fd)
    this.tailBytes = size % RECORD_BYTES
    this.total = Math.max(0, Math.floor(size / RECORD_BYTES) - 1)
    if (size >= RECORD_BYTES) this.#header(headerKind)
  }

  /** Loads the next chunk; false at the end. @throws CorruptHistoryError naming file and offset */
  advance(): boolean {
    const records = Math.min(CHUNK_RECORDS, this.total - this.#read)
    this.base = this.#read
    this.length = 0
    if (records === 0 || this.#fd === undefined) return false
    const bytes = records * RECORD_BYTES
    const start = (this.#read + 1) * RECORD_BYTES
    let done = 0
    while (done < bytes) {
      const got = readSync(this.#fd, this.views.u8, done, bytes - done, start + done)
      if (got === 0) throw new CorruptHistoryError(this.path, start + done, 'it became shorter while it was read')
      done += got
    }
    this.#check(records)
    this.length = records
    this.#read += records
    return true
  }

  /** Byte offset of record number `index` of the file. */
  static offsetOf(index: number): number {
    return (index + 1) * RECORD_BYTES
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  #check(records: number): void {
    const { u32, u8 } = this.views
    for (let i = 0; i < records; i++) {
      const kind = u8At(u8, i * RECORD_BYTES + 36)
      if (checkOf(u32, i) === CHECK && kind >= this.#low && kind <= this.#high && u8At(u8, i * RECORD_BYTES + 37) < 2) {
        continue
      }
      const offset = RecordStream.offsetOf(this.#read + i)
      const what = checkOf(u32, i) === CHECK ? `no record of this file has kind ${kind}` : 'a record fails its check'
      throw new CorruptHistoryError(this.path, offset, what)
    }
  }

  #header(kind: number): void {
    if (this.#fd === undefined) return
    readSync(this.#fd, this.views.u8, 0, RECORD_BYTES, 0)
    const { u8, u32 } = this.views
    const magic = Buffer.from(u8.subarray(0, 8)).toString('latin1')
    if (magic !== MAGIC) throw new CorruptHistoryError(this.path, 0, 'it is not a tuple log')
    if (u32At(u32, 8) !== ENDIAN_MARK)
      throw new CorruptHistoryError(this.path, 32, 'its byte order is not that of this machine')
    if (u32At(u32, 6) !== FORMAT_VERSION || u32At(u32, 7) !== RECORD_BYTES) {
      throw new CorruptHistoryError(
        this.path,
        24,
        `its format is version ${u32At(u32, 6)}, this library reads ${FORMAT_VERSION}`,
        {
          remedy: 'Recheck it with the version of the library that wrote it.',
        },
      )
    }
    if (u8At(u8, 36) !== kind || checkOf(u32, 0) !== CHECK)
      throw new CorruptHistoryError(this.path, 36, 'its header is damaged')
  }
}
