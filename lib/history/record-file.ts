import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { endianness } from 'node:os'
import { HistoryError } from './errors.ts'
import { header, RECORD_BYTES, seal, viewsOn, type Views } from './format.ts'

/** Append-only file of fixed-size records with a buffer in front. Synchronous, one writer. */
export class RecordFile {
  readonly views: Views
  readonly #path: string
  readonly #capacity: number
  #fd: number | undefined
  #used = 0

  constructor(path: string, kind: number, bufferBytes: number) {
    if (endianness() !== 'LE') throw new HistoryError('The tuple log is little-endian, and this machine is not.')
    this.#path = path
    this.#capacity = Math.max(1, Math.floor(bufferBytes / RECORD_BYTES))
    this.views = viewsOn(new ArrayBuffer(this.#capacity * RECORD_BYTES))
    this.#fd = openSync(path, 'a', 0o600)
    const { size } = fstatSync(this.#fd)
    // A writer that was killed may have left part of a record: what follows must stand on a record's boundary.
    if (size % RECORD_BYTES !== 0) ftruncateSync(this.#fd, size - (size % RECORD_BYTES))
    if (size < RECORD_BYTES) writeAll(this.#fd, header(kind))
  }

  /** Index of the record to fill in; call {@link sealed} with it when done. */
  next(): number {
    if (this.#used === this.#capacity) this.flush()
    return this.#used
  }

  sealed(index: number): void {
    this.views.u8[index * RECORD_BYTES + 39] = 0
    seal(this.views, index)
    this.#used = index + 1
  }

  /** Hands the buffered records to the operating system. */
  flush(): void {
    if (this.#fd === undefined) throw new HistoryError(`${this.#path} is closed.`)
    if (this.#used === 0) return
    writeAll(this.#fd, this.views.u8.subarray(0, this.#used * RECORD_BYTES))
    this.#used = 0
  }

  close(): void {
    if (this.#fd === undefined) return
    this.flush()
    closeSync(this.#fd)
    this.#fd = undefined
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  let done = 0
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done)
}
