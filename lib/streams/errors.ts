import { FailoverError, redact, type FailoverErrorOptions } from '../core/index.ts'

/** Where and how a call failed. Never holds a secret: urls are without credentials, texts are redacted. */
export interface StreamsErrorContext extends FailoverErrorOptions {
  readonly dc: string
  readonly method: string
  readonly url: string
  /** HTTP status, if the server answered. */
  readonly status?: number | undefined
  /** The vendor's message id, e.g. `CDISA5072E`, if the answer had one. */
  readonly messageId?: string | undefined
  /** False if it is certain that the server never got the request; true if it may have acted on it. */
  readonly mayHaveReached?: boolean | undefined
  /** What the server asked us to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number | undefined
}

/** Base of every error of the clients. `code` begins with `STREAMS_`. */
export class StreamsError extends FailoverError {
  readonly dc: string
  readonly method: string
  readonly url: string
  readonly status: number | undefined
  readonly messageId: string | undefined
  readonly mayHaveReached: boolean
  readonly retryAfterMs: number | undefined

  constructor(code: string, message: string, context: StreamsErrorContext) {
    const url = withoutCredentials(context.url)
    super(code, redact(`${context.dc}: ${context.method} ${url}: ${message}`), {
      ...(context.remedy === undefined ? {} : { remedy: redact(context.remedy) }),
      ...(context.cause === undefined ? {} : { cause: context.cause }),
      details: {
        ...context.details,
        dc: context.dc,
        method: context.method,
        url,
        status: context.status,
        messageId: context.messageId,
      },
    })
    this.dc = context.dc
    this.method = context.method
    this.url = url
    this.status = context.status
    this.messageId = context.messageId
    this.mayHaveReached = context.mayHaveReached ?? context.status !== undefined
    this.retryAfterMs = context.retryAfterMs
  }
}

/** 401: the server does not accept the credentials. */
export class UnauthorizedError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_UNAUTHORIZED', message, context)
  }
}

/** 403: the credentials are good, the permission is missing. */
export class ForbiddenError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_FORBIDDEN', message, context)
  }
}

/** 404, or a name that a listing does not contain. */
export class NotFoundError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_NOT_FOUND', message, context)
  }
}

/** 409, or a state in which the call makes no sense. */
export class ConflictError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_CONFLICT', message, context)
  }
}

/** The service answers, its instance does not run (message id CDISA5072E by default). */
export class InstanceNotStartedError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_INSTANCE_NOT_STARTED', message, context)
  }
}

/** Any other 4xx: the server understood the request as wrong (400, 405, 413, 415, …). */
export class RejectedError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_REJECTED', message, context)
  }
}

/** How a server could not be reached. */
export type UnreachableKind = 'refused' | 'dns' | 'tls' | 'reset' | 'connect-timeout'

/** There was no answer because there was no connection, or it broke. `mayHaveReached` tells which. */
export class UnreachableError extends StreamsError {
  readonly kind: UnreachableKind

  constructor(kind: UnreachableKind, message: string, context: StreamsErrorContext) {
    super('STREAMS_UNREACHABLE', message, { ...context, details: { ...context.details, kind } })
    this.kind = kind
  }
}

/** The request went out and no complete answer came in time. */
export class RequestTimeoutError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_REQUEST_TIMEOUT', message, { mayHaveReached: true, ...context })
  }
}

/** An answer that is not what the interface promises: no JSON, cut short, too large, missing members, pages that go in circles. */
export class MalformedAnswerError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_MALFORMED_ANSWER', message, { mayHaveReached: true, ...context })
  }
}

/** 5xx. */
export class ServerError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_SERVER', message, context)
  }
}

/** 429. `retryAfterMs` holds the server's wish. */
export class RateLimitedError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_RATE_LIMITED', message, context)
  }
}

/** A redirect that is not followed: to another origin, in a circle, too many, or of a call that changes something. */
export class RedirectError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_REDIRECT', message, context)
  }
}

/** A link that leads to another server than the configured one; it was not called, so credentials stay here. */
export class ForeignOriginError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_FOREIGN_ORIGIN', message, { mayHaveReached: false, ...context })
  }
}

/** A bundle file that cannot be read. `path` is where it was looked for; nothing was sent. */
export class BundleMissingError extends StreamsError {
  readonly path: string

  constructor(path: string, message: string, context: StreamsErrorContext) {
    super('STREAMS_BUNDLE_MISSING', message, {
      mayHaveReached: false,
      ...context,
      details: { ...context.details, path },
    })
    this.path = path
  }
}

/** A job that will not become healthy any more, because it failed or was cancelled. */
export class JobLostError extends StreamsError {
  constructor(message: string, context: StreamsErrorContext) {
    super('STREAMS_JOB_LOST', message, context)
  }
}

/** One thing that is wrong with a tuple. */
export interface RecordIssue {
  /** From 1. In a CSV file the row of data, not counting the header. */
  readonly row: number
  /** Path of the attribute, e.g. `position.x` or `readings[3]`. */
  readonly field: string
  readonly expected: string
  readonly found: string
}

/** Tuples that do not fit their schema, or a file of tuples that cannot be read. Nothing was sent. */
export class RecordError extends FailoverError {
  readonly issues: readonly RecordIssue[]

  constructor(source: string, issues: readonly RecordIssue[], options: FailoverErrorOptions = {}) {
    const lines = issues
      .slice(0, 5)
      .map((one) => `row ${one.row}, field ${one.field}: expected ${one.expected}, found ${one.found}`)
    const more = issues.length > lines.length ? [`and ${issues.length - lines.length} more`] : []
    super('STREAMS_RECORD', redact(`${source}: ${[...lines, ...more].join('; ')}.`), {
      ...options,
      details: { ...options.details, source, issues },
    })
    this.issues = issues
  }
}

function withoutCredentials(text: string): string {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  url.username = ''
  url.password = ''
  return url.href
}
