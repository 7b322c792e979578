import { Client } from 'undici'
import { now } from '../core/index.ts'
import { failureReason } from './exchange.ts'
import type { HttpTarget } from './target.ts'

/** A complete answer of a tap. */
export interface TapAnswer {
  readonly asked: number
  readonly answered: number
  readonly items: readonly unknown[]
  /** What the buffer dropped unread since the last read, as the server counts; `undefined` if it does not say. */
  readonly dropped: number | undefined
  /** True if the answer carries a warning. */
  readonly warned: boolean
}

/** A read that gave nothing. */
export interface TapFailure {
  readonly asked: number
  readonly failed: number
  readonly reason: string
  readonly status: number | undefined
  /** True if an answer had begun to arrive: tuples were given out, and not all got here. */
  readonly tuplesLost: boolean
}

/** A connection for reading a tap, one request at a time. */
export interface TapReader {
  readonly target: HttpTarget
  read(timeoutMs: number): Promise<TapAnswer | TapFailure>
  destroy(): Promise<void>
}

/** Opens a reader; connects with the first read. */
export function openTapReader(target: HttpTarget, maxItems: number): TapReader {
  const { endpoint, origin } = target
  const client = new Client(origin, { connect: target.connector, headersTimeout: 0, bodyTimeout: 0 })
  const separator = target.path.includes('?') ? '&' : '?'
  const path = `${target.path}${separator}${endpoint.maxParameter ?? 'maxItems'}=${maxItems}`
  const names = {
    items: endpoint.items ?? 'items',
    dropped: endpoint.dropped ?? 'droppedTuples',
    warnings: endpoint.warnings ?? 'warnings',
  }
  return {
    target,
    async read(timeoutMs) {
      const deadline = new AbortController()
      const timer = setTimeout(() => deadline.abort(), timeoutMs)
      const asked = now()
      let status: number | undefined
      const fail = (reason: string): TapFailure => {
        const tuplesLost = status !== undefined && status >= 200 && status <= 299
        return { asked, failed: now(), reason, status, tuplesLost }
      }
      try {
        const answer = await client.request({
          path,
          method: 'GET',
          headers: target.headers,
          signal: deadline.signal,
        })
        status = answer.statusCode
        const text = await answer.body.text()
        const answered = now()
        if (status < 200 || status > 299) return fail(`http ${status}`)
        const read = parse(text, names)
        return read ? { asked, answered, ...read } : fail('malformed answer')
      } catch (error) {
        if (deadline.signal.aborted) return fail('no answer in time')
        return fail(failureReason(error, status !== undefined))
      } finally {
        clearTimeout(timer)
      }
    },
    destroy: () => client.destroy().catch(() => undefined),
  }
}

function parse(
  text: string,
  names: { readonly items: string; readonly dropped: string; readonly warnings: string },
): Pick<TapAnswer, 'items' | 'dropped' | 'warned'> | undefined {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof answer !== 'object' || answer === null) return undefined
  const members = answer as Readonly<Record<string, unknown>>
  const items = members[names.items]
  if (!Array.isArray(items)) return undefined
  const dropped = members[names.dropped]
  const warnings = members[names.warnings]
  return {
    items,
    dropped: typeof dropped === 'number' && dropped >= 0 ? dropped : undefined,
    warned: Array.isArray(warnings)
      ? warnings.length > 0
      : warnings !== undefined && warnings !== null && warnings !== '',
  }
}
