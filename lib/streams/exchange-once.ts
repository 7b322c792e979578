import { setMaxListeners } from 'node:events'
import { DecoratorHandler, request, type Dispatcher } from 'undici'
import { AbortedError, now, TimeoutError } from '../core/index.ts'
import type { Answer } from './answer.ts'
import { readBody } from './body.ts'
import type { Method } from './dialect.ts'
import { RequestTimeoutError, UnreachableError } from './errors.ts'
import { isDestroyed, networkFailure } from './network-failure.ts'

/** One request, to be sent once. */
export interface Outgoing {
  readonly dc: string
  readonly method: Method
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | undefined
  /** Milliseconds until the last byte of the answer. */
  readonly withinMs: number
  /** Largest answer in bytes. */
  readonly limit: number
  readonly signals: readonly (AbortSignal | undefined)[]
}

/**
 * Sends a request once and reads the whole answer, whatever its status. Redirects are not followed.
 * @throws UnreachableError, RequestTimeoutError, MalformedAnswerError, AbortedError
 */
export async function sendOnce(dispatcher: Dispatcher, outgoing: Outgoing): Promise<Answer> {
  const { dc, method, url } = outgoing
  const context = { dc, method, url: url.href }
  let started = false
  const stop = new AbortController()
  const expired = new TimeoutError('time is up')
  const timer = setTimeout(() => stop.abort(expired), outgoing.withinMs)
  const onAbort = (event: Event): void => stop.abort((event.target as AbortSignal).reason)
  const signals = outgoing.signals.filter((signal) => signal !== undefined)
  // Many calls at once under one signal are normal here, not a leak.
  setMaxListeners(0, ...signals)
  for (const signal of signals) {
    if (signal.aborted) stop.abort(signal.reason)
    signal.addEventListener('abort', onAbort)
  }
  const asked = now()
  try {
    if (signals.some((signal) => signal.aborted)) throw new AbortedError('aborted before it began')
    const sending = request(url, {
      dispatcher: dispatcher.compose(
        notifyStart(() => {
          // undici takes back a call whose signal was aborted while it waited for its connection, before writing any of it.
          if (!stop.signal.aborted) started = true
        }),
      ),
      method,
      headers: outgoing.headers,
      body: outgoing.body ?? null,
      signal: stop.signal,
    })
    const response = await unlessAborted(sending, stop.signal)
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(response.headers)) {
      if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
    }
    const body = await readBody(response.body, headers['content-encoding'], outgoing.limit)
    return {
      dc,
      method,
      url: url.href,
      status: response.statusCode,
      headers,
      body,
      asked,
      answered: now(),
      attempts: 1,
    }
  } catch (error) {
    if (signals.some((signal) => signal.aborted) || isDestroyed(error)) {
      throw new AbortedError(
        `${dc}: ${method} ${url.pathname}: given up, because its signal was aborted or the client closed.`,
        {
          cause: error,
          details: { mayHaveReached: started },
        },
      )
    }
    if (stop.signal.reason === expired) {
      if (!started) {
        throw new UnreachableError('connect-timeout', 'no connection within the time allowed.', {
          ...context,
          cause: error,
          mayHaveReached: false,
          remedy: 'Check that the host is up and that no firewall swallows the packets.',
        })
      }
      throw new RequestTimeoutError(`no complete answer within ${Math.round(outgoing.withinMs)}ms.`, {
        ...context,
        cause: error,
      })
    }
    throw networkFailure(error, started, context)
  } finally {
    clearTimeout(timer)
    for (const signal of signals) signal.removeEventListener('abort', onAbort)
  }
}

/** undici lets a call that waits for a connection wait on after its signal was aborted; its caller does not. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: (() => void) | undefined
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        onAbort = () => reject(signal.reason as Error)
        if (signal.aborted) onAbort()
        signal.addEventListener('abort', onAbort, { once: true })
      }),
    ])
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
    work.catch(() => {})
  }
}

/** Tells when a request is about to be written to a connection: before that the server cannot have got any of it. */
function notifyStart(onStart: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    // request() hands over a handler of the old kind; this class gives it the new face.
    const inner: Dispatcher.DispatchHandler = new DecoratorHandler(handler)
    return dispatch(options, {
      onRequestStart: (controller, context) => {
        onStart()
        inner.onRequestStart?.(controller, context)
      },
      onRequestUpgrade: (...args) => inner.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => inner.onResponseStart?.(...args),
      onResponseData: (...args) => inner.onResponseData?.(...args),
      onResponseEnd: (...args) => inner.onResponseEnd?.(...args),
      onResponseError: (...args) => inner.onResponseError?.(...args),
    })
  }
}
