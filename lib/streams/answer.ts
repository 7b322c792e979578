import { z } from 'zod'
import { defaultDialect, type Dialect } from './dialect.ts'
import {
  ConflictError,
  ForbiddenError,
  InstanceNotStartedError,
  MalformedAnswerError,
  NotFoundError,
  RateLimitedError,
  RedirectError,
  RejectedError,
  ServerError,
  UnauthorizedError,
  type StreamsError,
} from './errors.ts'
import { parseJson } from './json.ts'

/** A whole answer. `asked` and `answered` are monotonic milliseconds around the try that gave it. */
export interface Answer {
  readonly dc: string
  readonly method: string
  readonly url: string
  readonly status: number
  /** Lower-case names; repeated ones joined. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly asked: number
  readonly answered: number
  /** How many tries it took. */
  readonly attempts: number
}

/**
 * The answer's JSON by a schema.
 * @throws MalformedAnswerError that says what came instead
 */
export function readJson<S extends z.ZodType>(answer: Answer, schema: S): z.output<S> {
  const text = answer.body.toString('utf8')
  const { dc, method, url, status } = answer
  let json: unknown
  try {
    json = parseJson(text)
  } catch (error) {
    const type = answer.headers['content-type']
    throw new MalformedAnswerError(
      text.trim() === ''
        ? 'the answer is empty where JSON was expected.'
        : `the answer is ${looksLikeHtml(text) ? 'a web page' : 'no JSON'}${type ? ` (${type})` : ''}: ${excerpt(text)}`,
      {
        dc,
        method,
        url,
        status,
        cause: error,
        remedy: looksLikeHtml(text)
          ? 'A proxy or another service answers there: check host, port and base path of `url`.'
          : 'Check that `url` is that of the REST service; if the answer was cut short, look for a proxy in between.',
      },
    )
  }
  const result = schema.safeParse(json)
  if (result.success) return result.data
  throw new MalformedAnswerError(`the answer has another shape than expected: ${issues(result.error)}.`, {
    dc,
    method,
    url,
    status,
    remedy: 'If this is how the server speaks, describe it in a dialect (`defineDialect`).',
  })
}

/** The typed error for an answer that is not a success. */
export function errorOf(answer: Answer, dialect: Dialect = defaultDialect): StreamsError {
  const { dc, method, url, status } = answer
  const { id, message } = readMessage(answer, dialect)
  const text = message === '' ? `status ${status}, without a message.` : `status ${status}: ${sentence(message)}`
  const retryAfterMs = retryAfter(answer)
  const context = { dc, method, url, status, messageId: id, retryAfterMs, mayHaveReached: true }
  if (id !== undefined && dialect.errors.instanceNotStarted.includes(id)) {
    return new InstanceNotStartedError(text, {
      ...context,
      remedy: 'Start the instance (`startInstance`), or wait until it runs.',
    })
  }
  switch (status) {
    case 401:
      return new UnauthorizedError(text, {
        ...context,
        remedy: `Check user and password (or certificate, or token) for ${dc}.`,
      })
    case 403:
      return new ForbiddenError(text, {
        ...context,
        remedy: `Grant the user of ${dc} the permission, or use another user.`,
      })
    case 404:
      return new NotFoundError(text, context)
    case 409:
      return new ConflictError(text, context)
    case 429:
      return new RateLimitedError(text, { ...context, remedy: 'Call less often.' })
  }
  if (status >= 500) return new ServerError(text, context)
  if (status >= 400) return new RejectedError(text, context)
  return new RedirectError(text, context)
}

/** What the server asks us to wait, in milliseconds: `Retry-After` as seconds or as a date. */
export function retryAfter(answer: Pick<Answer, 'headers'>, wall: number = Date.now()): number | undefined {
  const text = answer.headers['retry-after']?.trim()
  if (text === undefined || text === '') return undefined
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - wall)
}

/** Id and text of an error body of either shape, or a line of whatever it is. */
function readMessage(answer: Answer, dialect: Dialect): { id: string | undefined; message: string } {
  const text = answer.body.toString('utf8', 0, 64 * 1024)
  const names = dialect.errors
  let json: unknown
  try {
    json = parseJson(text)
  } catch {
    return { id: undefined, message: excerpt(text) }
  }
  const wrapped = z.looseObject({ [names.list]: z.array(z.looseObject({})).min(1) }).safeParse(json)
  const list = wrapped.success ? (wrapped.data[names.list] as Record<string, unknown>[]) : [json]
  const first = z.looseObject({}).safeParse(list[0])
  if (!first.success) return { id: undefined, message: excerpt(text) }
  const message = stringOf(first.data[names.message]) ?? ''
  const id = stringOf(first.data[names.id]) ?? /^[A-Z]{4,6}\d{4}[A-Z]/.exec(message)?.[0]
  if (message === '' && id === undefined) return { id: undefined, message: excerpt(text) }
  const more = list.length > 1 ? ` (and ${list.length - 1} more)` : ''
  return {
    id,
    message: (id === undefined || message.startsWith(id) ? message : `${id} ${message}`).slice(0, 1000) + more,
  }
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function looksLikeHtml(text: string): boolean {
  return /^\s*<(!doctype|html|head|body|\?xml)/i.test(text)
}

/** One line of a text, tags of web pages left out. */
function excerpt(text: string): string {
  const plain = looksLikeHtml(text)
    ? text.replace(/<(script|style)[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')
    : text
  const line = plain.replace(/\s+/g, ' ').trim()
  return line.length > 200 ? `${line.slice(0, 200)}…` : line
}

function sentence(text: string): string {
  return /[.!?…)]$/.test(text) ? text : `${text}.`
}

function issues(error: z.ZodError): string {
  const lines = error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.map(String).join('.') || 'answer'}: ${issue.message}`)
  return lines.join('; ') + (error.issues.length > 3 ? `; and ${error.issues.length - 3} more` : '')
}
