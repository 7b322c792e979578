import type { Readable } from 'node:stream'

/** The text that a stream has given so far, up to a limit. */
export interface BoundedText {
  add(chunk: Buffer): void
  text(): string
  truncated(): boolean
}

/** Keeps the first `limit` bytes of what is added and lets the rest go, so that a talkative command does not fill memory. */
export function boundedBytes(limit: number, encoding: 'utf8' | 'latin1' = 'utf8'): BoundedText {
  const chunks: Buffer[] = []
  let kept = 0
  let dropped = false
  return {
    add(chunk) {
      const room = limit - kept
      if (chunk.length > room) dropped = true
      if (room <= 0) return
      const part = chunk.subarray(0, room)
      chunks.push(part)
      kept += part.length
    },
    text: () => Buffer.concat(chunks).toString(encoding),
    truncated: () => dropped,
  }
}

/** Collects a stream's first `limit` bytes and reads the rest, so that a talkative command does not stall. */
export function boundedText(stream: Readable, limit: number, encoding: 'utf8' | 'latin1' = 'utf8'): BoundedText {
  const bytes = boundedBytes(limit, encoding)
  stream.on('data', (chunk: Buffer) => bytes.add(chunk))
  // An aborted command's pipes are torn down; its failure is reported by the command itself.
  stream.on('error', () => undefined)
  return bytes
}
