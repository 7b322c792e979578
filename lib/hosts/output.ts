import type { Readable } from 'node:stream'

/** The text that a stream has given so far, up to a limit. */
export interface BoundedText {
  text(): string
  truncated(): boolean
}

/** Collects a stream's first `limit` bytes and lets the rest go, so that a talkative command neither stalls nor fills memory. */
export function boundedText(stream: Readable, limit: number): BoundedText {
  const chunks: Buffer[] = []
  let kept = 0
  let dropped = false
  stream.on('data', (chunk: Buffer) => {
    const room = limit - kept
    if (chunk.length > room) dropped = true
    if (room <= 0) return
    const part = chunk.subarray(0, room)
    chunks.push(part)
    kept += part.length
  })
  // An aborted command's pipes are torn down; its failure is reported by the command itself.
  stream.on('error', () => undefined)
  return { text: () => Buffer.concat(chunks).toString('utf8'), truncated: () => dropped }
}
