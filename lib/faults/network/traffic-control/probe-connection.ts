import type { Duplex } from 'node:stream'
import { abortedWhile, now } from '../../../core/index.ts'
import type { FaultContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { CLIENT_HELLO, HTTP_PATHS, openPath, type ProbePath } from '../probe-paths.ts'

/** Answers that a service has given so far, told apart as far as HTTP tells. */
class Answers {
  #rest = Buffer.alloc(0)
  #count = 0
  /** The service has said that it answers no more on this connection. */
  isLast = false

  /** Takes in what came, and returns how many answers are whole by now. */
  add(chunk: Buffer): number {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length > 0) {
      const length = lengthOfAnswer(this.#rest)
      if (/^HTTP\/[^]*?\r\nconnection:\s*close\r\n/i.test(this.#rest.toString('latin1'))) this.isLast = true
      if (length === undefined || length > this.#rest.length) break
      this.#rest = this.#rest.subarray(length)
      this.#count++
    }
    return this.#count
  }
}

/** Bytes of the answer at the beginning, as far as it can be told; what is not HTTP is one answer however long. */
function lengthOfAnswer(bytes: Buffer): number | undefined {
  const text = bytes.toString('latin1')
  if (!'HTTP/'.startsWith(text.slice(0, 5))) return bytes.length
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return undefined
  const headers = text.slice(0, head)
  const body = head + 4
  const length = /^content-length:\s*(\d+)/im.exec(headers)?.[1]
  if (length !== undefined) return body + Number(length)
  if (/^transfer-encoding:.*chunked/im.test(headers)) {
    const end = text.indexOf('0\r\n\r\n', body)
    return end < 0 ? undefined : end + 5
  }
  return /^HTTP\/\S+ (204|304|1\d\d)/.test(headers) ? body : bytes.length
}

/** A connection that is asked through again and again, for as long as the far side lets it. */
export interface ProbeConnection {
  /** The far side, or somebody on the way, has ended it. */
  readonly isOver: boolean
  /** Answers that came so far. */
  readonly answered: number
  /** What is written and not yet taken over by the connection, in bytes. */
  readonly unsent: number
  /** Writes a part of a request. */
  write(part: string | Buffer): void
  /** Resolves once so many answers have come, with when the last did; undefined where the connection ends or the time passes. */
  until(answers: number, withinMs: number): Promise<number | undefined>
  close(): void
}

/** Opens a connection to be asked through. Errors as {@link openPath}. */
export async function openConnection(
  context: FaultContext,
  path: ProbePath,
  withinMs: number,
): Promise<ProbeConnection> {
  const { stream } = await openPath(context, path, withinMs)
  return connectionOver(stream, context.signal)
}

function connectionOver(stream: Duplex, signal: AbortSignal): ProbeConnection {
  const answers = new Answers()
  let answered = 0
  let lastAt = 0
  let isOver = false
  const waiting = new Set<() => void>()
  const wake = (): void => waiting.forEach((check) => check())
  const over = (): void => {
    isOver = true
    wake()
  }
  stream.on('data', (chunk: Buffer) => {
    lastAt = now()
    answered = answers.add(chunk)
    // What would be asked now is read by nobody.
    if (answers.isLast && answered > 0) isOver = true
    wake()
  })
  for (const event of ['end', 'close', 'error']) stream.on(event, over)
  if (stream.destroyed || stream.readableEnded) isOver = true
  return {
    get isOver() {
      return isOver
    },
    get answered() {
      return answered
    },
    get unsent() {
      return stream.writableLength
    },
    write(part) {
      if (!isOver && stream.writable) stream.write(part)
    },
    until(wanted, withinMs) {
      return new Promise((resolve, reject) => {
        const settle = (done: () => void): void => {
          clearTimeout(timer)
          waiting.delete(check)
          signal.removeEventListener('abort', onAbort)
          done()
        }
        const check = (): void => {
          if (answered >= wanted) settle(() => resolve(lastAt))
          else if (isOver) settle(() => resolve(undefined))
        }
        const onAbort = (): void => settle(() => reject(abortedWhile('a probe', signal)))
        const timer = setTimeout(() => settle(() => resolve(undefined)), Math.max(1, withinMs))
        waiting.add(check)
        signal.addEventListener('abort', onAbort, { once: true })
        if (signal.aborted) onAbort()
        else check()
      })
    },
    close: () => stream.destroy(),
  }
}

/** A request in parts, which may be sent one by one. What a service answers to it changes nothing there. */
export function requestParts({ request, role, to }: ProbePath, padding = 0): readonly (string | Buffer)[] {
  if (request === 'tls') return [CLIENT_HELLO]
  return [
    `GET ${role === undefined ? '/' : HTTP_PATHS[role]} HTTP/1.1\r\n`,
    `Host: ${to}\r\n`,
    `X-Probe: ${'.'.repeat(Math.max(16, padding))}\r\n`,
    '\r\n',
  ]
}

/** Round trips over one connection, in ms: the opening, and each request. Requests that were not answered in time are missing. */
export interface RoundTrips {
  readonly connectMs: number
  readonly answerMs: readonly number[]
}

/** Opens a connection and asks through it a few times. */
export async function roundTripsOver(
  context: FaultContext,
  path: ProbePath,
  { asks, withinMs }: { readonly asks: number; readonly withinMs: number },
): Promise<RoundTrips> {
  const begun = now()
  const connection = await openConnection(context, path, withinMs)
  const connectMs = now() - begun
  try {
    return { connectMs, answerMs: await askOver(connection, path, { asks, withinMs }) }
  } finally {
    connection.close()
  }
}

/** Asks a few times through a connection, one after the other; ends early where it is ended. */
export async function askOver(
  connection: ProbeConnection,
  path: ProbePath,
  { asks, withinMs }: { readonly asks: number; readonly withinMs: number },
): Promise<readonly number[]> {
  const times: number[] = []
  for (let i = 0; i < asks && !connection.isOver; i++) {
    const sentAt = now()
    const wanted = connection.answered + 1
    connection.write(Buffer.concat(requestParts(path).map((part) => Buffer.from(part))))
    const at = await connection.until(wanted, withinMs)
    if (at === undefined) break
    times.push(at - sentAt)
  }
  return times
}

/** @throws FaultTargetError naming a path that does not answer before the fault */
export async function requireAnswer(context: FaultContext, path: ProbePath, withinMs: number): Promise<void> {
  const { answerMs } = await roundTripsOver(context, path, { asks: 1, withinMs })
  if (answerMs.length > 0) return
  throw new FaultTargetError(`${path.id} does not answer before the fault.`, {
    remedy: 'Heal what is on it, or wait until the far side is up.',
  })
}
