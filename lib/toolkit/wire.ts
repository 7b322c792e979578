import { FailoverError, type FailoverErrorOptions } from '../core/index.ts'

/**
 * The toolkit's `HeartbeatMessageType`. On the wire: attributes in this order, little-endian as x86 writes them; strings with a
 * length of one byte (below 128) or `0x80` and a uint32; blobs with a uint64 length (OSStreams `NativeByteBuffer`).
 */
export interface HeartbeatMessage {
  /** See {@link MESSAGE_TYPE}; a receiver may meet other numbers. */
  readonly heartbeatMsgType: number
  /** The sender's running counter, from 1. No receiver checks it. */
  readonly heartbeatCnt: bigint
  readonly dataCenterOrigin: string
  readonly dataSnapshot: Uint8Array
  /** Free text of the application that names the part which made the snapshot. */
  readonly dataSnapshotOrigin: string
}

/** Values of `heartbeatMsgType`. `giveBack` carries a whole stored snapshot message back to the data centre that made it. */
export const MESSAGE_TYPE = { heartbeat: 1, snapshot: 2, orderlyShutdown: 3, giveBack: 4 } as const

/** Bytes that are not what they were said to be. `code` is `FAILOVER_WIRE`; `offset` is where reading stopped. */
export class WireError extends FailoverError {
  readonly offset: number

  constructor(message: string, offset: number, options: FailoverErrorOptions = {}) {
    super('FAILOVER_WIRE', message, { ...options, details: { ...options.details, offset } })
    this.offset = offset
  }
}

const NO_BYTES = new Uint8Array(0)

/** A message with the given attributes; the rest is empty. */
export function heartbeatMessage(attributes: Partial<HeartbeatMessage>): HeartbeatMessage {
  return {
    heartbeatMsgType: 0,
    heartbeatCnt: 0n,
    dataCenterOrigin: '',
    dataSnapshot: NO_BYTES,
    dataSnapshotOrigin: '',
    ...attributes,
  }
}

/**
 * The bytes of a message as one toolkit sends them to the other.
 * @throws RangeError for numbers that do not fit uint32 or uint64
 */
export function encodeHeartbeatMessage(message: HeartbeatMessage): Uint8Array {
  return new WireWriter()
    .uint32(message.heartbeatMsgType)
    .uint64(message.heartbeatCnt)
    .rstring(message.dataCenterOrigin)
    .blob(message.dataSnapshot)
    .rstring(message.dataSnapshotOrigin)
    .bytes()
}

/**
 * Reads one message. Bytes after it are an error too, for two schemas that differ would otherwise go unnoticed.
 * @throws WireError when the bytes end early, or go on
 */
export function decodeHeartbeatMessage(bytes: Uint8Array): HeartbeatMessage {
  const reader = new WireReader(bytes)
  const message: HeartbeatMessage = {
    heartbeatMsgType: reader.uint32('heartbeatMsgType'),
    heartbeatCnt: reader.uint64('heartbeatCnt'),
    dataCenterOrigin: reader.rstring('dataCenterOrigin'),
    dataSnapshot: reader.blob('dataSnapshot'),
    dataSnapshotOrigin: reader.rstring('dataSnapshotOrigin'),
  }
  reader.end()
  return message
}

/** Writes SPL values in their native encoding. */
export class WireWriter {
  readonly #parts: Uint8Array[] = []

  uint32(value: number): this {
    const part = Buffer.allocUnsafe(4)
    part.writeUInt32LE(value)
    return this.#add(part)
  }

  uint64(value: bigint): this {
    const part = Buffer.allocUnsafe(8)
    part.writeBigUInt64LE(value)
    return this.#add(part)
  }

  int64(value: bigint): this {
    const part = Buffer.allocUnsafe(8)
    part.writeBigInt64LE(value)
    return this.#add(part)
  }

  rstring(value: string): this {
    const text = Buffer.from(value)
    if (text.length < 0x80) this.#add(Uint8Array.of(text.length))
    else this.#add(Uint8Array.of(0x80)).uint32(text.length)
    return this.#add(text)
  }

  blob(value: Uint8Array): this {
    return this.uint64(BigInt(value.length)).#add(value)
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts)
  }

  #add(part: Uint8Array): this {
    this.#parts.push(part)
    return this
  }
}

/** Reads SPL values in their native encoding and never past the end. */
export class WireReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#buffer.length - this.#at
  }

  uint32(what: string): number {
    return this.#buffer.readUInt32LE(this.#take(4, what))
  }

  uint64(what: string): bigint {
    return this.#buffer.readBigUInt64LE(this.#take(8, what))
  }

  int64(what: string): bigint {
    return this.#buffer.readBigInt64LE(this.#take(8, what))
  }

  rstring(what: string): string {
    const short = this.#buffer.readUInt8(this.#take(1, what))
    const length = short < 0x80 ? short : this.uint32(what)
    const start = this.#take(length, what)
    return this.#buffer.toString('utf8', start, start + length)
  }

  blob(what: string): Uint8Array {
    const length = this.uint64(what)
    if (length > BigInt(this.left)) throw this.#short(what, length)
    const start = this.#take(Number(length), what)
    return new Uint8Array(this.#buffer.subarray(start, start + Number(length)))
  }

  /** @throws WireError if there is more */
  end(): void {
    if (this.left > 0) throw new WireError(`${this.left} bytes follow the last attribute.`, this.#at)
  }

  #take(length: number, what: string): number {
    if (length > this.left) throw this.#short(what, length)
    const start = this.#at
    this.#at += length
    return start
  }

  #short(what: string, wanted: number | bigint): WireError {
    return new WireError(`The bytes end within ${what}: ${wanted} wanted, ${this.left} left.`, this.#at, {
      remedy: 'Both data centres must run the same toolkit version on machines of the same byte order.',
    })
  }
}
