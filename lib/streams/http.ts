import type { z } from 'zod'
import { messageOf, now, pause, redact, toMs, withDeadline, type Duration } from '../core/index.ts'
import { openAddress } from './address.ts'
import { connectParameters, createAgent } from './agent.ts'
import { errorOf, readJson, type Answer } from './answer.ts'
import { authorization, canRenew } from './authorization.ts'
import type { CallOptions, ConnectionOptions } from './connection.ts'
import { defaultDialect, type Dialect, type Method } from './dialect.ts'
import { RedirectError, StreamsError, UnauthorizedError, UnreachableError } from './errors.ts'
import { sendOnce } from './exchange-once.ts'
import { stringifyJson } from './json.ts'
import { retryPolicy } from './retry.ts'

/** A call: what to send, and how it may be repeated. */
export interface Call extends CallOptions {
  readonly method?: Method
  /** A link of an answer, or a URL below the base. */
  readonly url: string
  readonly accept?: string
  readonly contentType?: string
  /** Sent as it is. */
  readonly body?: string | Uint8Array
  /** Sent as JSON. */
  readonly json?: unknown
  /** True if doing it twice is the same as doing it once. Default: for GET, HEAD and DELETE. */
  readonly repeatable?: boolean
  /** For one try; default `timeouts.attempt`. */
  readonly attemptWithin?: Duration
}

/** The way to one service: authorised, bounded in time, repeated where that is safe, with typed errors. */
export interface Transport extends AsyncDisposable {
  readonly dc: string
  readonly dialect: Dialect
  readonly base: string
  readonly notices: readonly string[]
  below(path: string): string
  usePath(path: string): void
  notice(text: string): void
  /** @throws StreamsError for anything but 2xx; AbortedError */
  send(call: Call): Promise<Answer>
  /** The answer's JSON by a schema. */
  json<S extends z.ZodType>(schema: S, call: Call): Promise<z.output<S>>
  /** The URL that would be called for a link. */
  resolve(link: string, method: Method): string
  /** The configured URL as it is, with a slash at its end if it has one. */
  readonly exact: string
  [Symbol.asyncDispose](): Promise<void>
}

const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const MAX_REDIRECTS = 5

/** Opens the way to a service. Nothing is sent yet. */
export function openTransport(options: ConnectionOptions): Transport {
  const { dc, timeouts = {} } = options
  const dialect = options.dialect ?? defaultDialect
  const address = openAddress(dc, options.url, options.rewriteOrigin ?? true)
  const dispatcher = createAgent(connectParameters(options), options.connections ?? 16, options.proxy)
  const authorize = authorization(options.credentials)
  const closed = new AbortController()
  const notices: string[] = []

  const notice = (text: string): void => {
    const clean = redact(`${dc}: ${text}`)
    if (notices.includes(clean)) return
    notices.push(clean)
    options.onNotice?.(clean)
  }
  if (options.tls?.rejectUnauthorized === false) {
    notice('the identity of the server is not checked (`tls.rejectUnauthorized` is false).')
  }

  /** Headers of the user's hook, which may hang or fail like anything else. */
  async function headersFor(call: Call, method: Method, url: URL, withinMs: number, again: boolean) {
    if (!canRenew(options.credentials)) return authorize({ method, url: url.href, again, signal: closed.signal })
    try {
      return await withDeadline((signal) => authorize({ method, url: url.href, again, signal }), {
        within: `${withinMs}ms`,
        signal: call.signal,
        describe: 'the `authorize` function',
      })
    } catch (error) {
      if (call.signal?.aborted) throw error
      throw new UnauthorizedError(`the \`authorize\` function failed: ${messageOf(error)}.`, {
        dc,
        method,
        url: url.href,
        cause: error,
        mayHaveReached: false,
      })
    }
  }

  async function attempt(call: Call, url: URL, withinMs: number, again: boolean): Promise<Answer> {
    const method = call.method ?? 'GET'
    const body = call.json === undefined ? call.body : stringifyJson(call.json)
    const contentType = call.contentType ?? (call.json === undefined ? undefined : 'application/json')
    const signals = [call.signal, options.signal, closed.signal]
    const authorized = await headersFor(call, method, url, withinMs, again)
    const answer = await sendOnce(dispatcher, {
      dc,
      method,
      url,
      headers: {
        accept: call.accept ?? 'application/json',
        'accept-encoding': 'gzip, deflate',
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
        ...authorized,
      },
      body,
      withinMs,
      limit: options.maxAnswerBytes ?? MAX_ANSWER_BYTES,
      signals,
    })
    if (answer.status === 401 && !again && canRenew(options.credentials)) return attempt(call, url, withinMs, true)
    return answer
  }

  /** One try, with redirects of reading calls followed within the origin. */
  async function follow(call: Call, deadline: number, withinMs: number): Promise<Answer> {
    const method = call.method ?? 'GET'
    let url = address.resolve(call.url, method)
    const seen = new Set<string>()
    while (true) {
      const answer = await attempt(call, url, Math.max(1, Math.min(withinMs, deadline - now())), false)
      if (answer.status < 300 || answer.status >= 400 || answer.status === 304) return answer
      const location = answer.headers['location']
      const context = { dc, method, url: url.href, status: answer.status }
      if (location === undefined || !URL.canParse(location, url.href)) throw errorOf(answer, dialect)
      const target = new URL(location, url.href)
      if (target.origin !== url.origin) {
        throw new RedirectError(`redirected to another server (${target.origin}), which is not followed.`, {
          ...context,
          remedy: 'Configure that URL if it is the right one; credentials are never carried along.',
        })
      }
      if (method !== 'GET' && method !== 'HEAD') {
        throw new RedirectError(`redirected to ${target.pathname}; calls that change something are not sent on.`, {
          ...context,
          remedy: `Correct the base path of \`url\`.`,
        })
      }
      seen.add(url.href)
      if (seen.has(target.href) || seen.size > MAX_REDIRECTS) {
        throw new RedirectError(
          seen.has(target.href) ? 'redirected in a circle.' : `more than ${MAX_REDIRECTS} redirects.`,
          context,
        )
      }
      url = target
    }
  }

  /** Asks where the service is now. True if it moved. */
  async function resolveAgain(signal: AbortSignal | undefined): Promise<boolean> {
    if (!options.resolveUrl) return false
    const { resolveUrl } = options
    const before = address.base
    try {
      const url = await withDeadline((inner) => Promise.resolve(resolveUrl(inner)), {
        within: '10s',
        signal,
        describe: 'the `resolveUrl` function',
      })
      address.moveTo(url)
    } catch (error) {
      if (signal?.aborted) throw error
      notice(`the \`resolveUrl\` function failed: ${messageOf(error)}`)
      return false
    }
    if (address.base === before) return false
    notice(`the service moved from ${before} to ${address.base}.`)
    return true
  }

  async function send(call: Call): Promise<Answer> {
    const withinMs = toMs(call.within ?? timeouts.call ?? '30s')
    const deadline = now() + withinMs
    const attemptMs = call.attemptWithin === undefined ? toMs(timeouts.attempt ?? '10s') : toMs(call.attemptWithin)
    const policy = retryPolicy({
      ...options.retry,
      ...(call.attempts === undefined ? {} : { attempts: call.attempts }),
    })
    const method = call.method ?? 'GET'
    const repeatable = call.repeatable ?? (method === 'GET' || method === 'HEAD' || method === 'DELETE')
    let moves = 0
    for (let tries = 1; ; tries++) {
      let failure: StreamsError
      try {
        const answer = await follow(call, deadline, attemptMs)
        if (answer.status >= 200 && answer.status < 300) return { ...answer, attempts: tries }
        failure = errorOf(answer, dialect)
      } catch (error) {
        if (!(error instanceof StreamsError)) throw error
        failure = error
      }
      if (failure instanceof UnreachableError && moves < 2 && (repeatable || !failure.mayHaveReached)) {
        if (await resolveAgain(call.signal)) {
          moves++
          continue
        }
      }
      if (tries >= policy.attempts) throw failure
      const wait = policy.pauseAfter(failure, tries, repeatable)
      if (wait === undefined || now() + wait >= deadline) throw failure
      await pause(wait, combine(call.signal, options.signal, closed.signal))
    }
  }

  return {
    dc,
    dialect,
    notices,
    notice,
    get base() {
      return address.base
    },
    get exact() {
      return address.exact
    },
    resolve: (link, method) => address.resolve(link, method).href,
    below: (path) => address.below(path),
    usePath: (path) => address.usePath(path),
    send,
    json: async (schema, call) => readJson(await send(call), schema),
    async [Symbol.asyncDispose]() {
      closed.abort()
      await dispatcher.destroy()
    },
  }
}

function combine(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined))
}
