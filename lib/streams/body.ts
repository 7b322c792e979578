import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

/** An answer is larger than the client reads. */
export class BodyTooLarge extends Error {}

/** An answer's compression is unknown, or its data is not what the header says. */
export class BodyUnreadable extends Error {}

/**
 * The body of an answer, decompressed, up to a limit of bytes (after decompression, so a small bomb does no harm).
 * @throws BodyTooLarge, BodyUnreadable, or the stream's own error
 */
export async function readBody(body: Readable, encoding: string | undefined, limit: number): Promise<Buffer> {
  const stream = decoded(body, encoding)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) throw new BodyTooLarge(`the answer is larger than ${limit} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (isZlibError(error))
      throw new BodyUnreadable('the answer is not compressed as its header says, or was cut short', { cause: error })
    throw error
  } finally {
    // A listener that is there until the end: errors after we gave up are of no interest.
    body.on('error', () => {})
    body.destroy()
    if (stream !== body) stream.destroy()
  }
  return Buffer.concat(chunks)
}

function decoded(body: Readable, encoding: string | undefined): Readable {
  const name = encoding?.trim().toLowerCase() ?? 'identity'
  if (name === '' || name === 'identity') return body
  const decoder =
    name === 'gzip' || name === 'x-gzip'
      ? createGunzip()
      : name === 'deflate'
        ? createInflate()
        : name === 'br'
          ? createBrotliDecompress()
          : undefined
  if (!decoder) throw new BodyUnreadable(`the answer is compressed as ${JSON.stringify(name)}, which was not asked for`)
  body.once('error', (error) => decoder.destroy(error))
  return body.pipe(decoder)
}

function isZlibError(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^(Z_|ERR_BROTLI|ERR__ERROR_FORMAT)/.test(error.code)
  )
}
