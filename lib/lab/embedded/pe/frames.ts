import type { TupleFrame } from '../protocol.ts'
import { parseOwn } from '../parse.ts'

const LENGTH_BYTES = 4
const LONGEST_FRAME = 256 * 1024 * 1024

/** A frame's bytes: big-endian length, then JSON. */
export function encodeFrame(frame: TupleFrame): Buffer {
  const text = JSON.stringify(frame)
  const length = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + length)
  bytes.writeUInt32BE(length)
  bytes.write(text, LENGTH_BYTES)
  return bytes
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  #rest: Buffer | undefined

  /**
   * Takes the next bytes and calls back with each frame that they complete.
   * @throws SyntaxError or RangeError for bytes that are no frames: the connection is of no use any more
   */
  push(chunk: Buffer, handle: (frame: TupleFrame) => void): void {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt32BE(at)
      if (length > LONGEST_FRAME) throw new RangeError(`a frame of ${length} bytes is longer than any`)
      const end = at + LENGTH_BYTES + length
      if (end > bytes.length) break
      handle(parseOwn<TupleFrame>(bytes.toString('utf8', at + LENGTH_BYTES, end)))
      at = end
    }
    this.#rest = at === bytes.length ? undefined : at === 0 ? bytes : bytes.subarray(at)
  }
}
