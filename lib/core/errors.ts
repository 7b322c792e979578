/** Options of every {@link FailoverError}. */
export interface FailoverErrorOptions {
  /** What the reader should do about it: one sentence. */
  readonly remedy?: string
  /** Facts for reports, never a secret. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/**
 * Base of every error that this library throws on purpose. `code` is stable and meant for programs; the message is meant for
 * people and ends with the remedy.
 */
export class FailoverError extends Error {
  readonly code: string
  readonly remedy: string | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, message: string, options: FailoverErrorOptions = {}) {
    super(
      options.remedy ? `${message} ${options.remedy}` : message,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = new.target.name
    this.code = code
    this.remedy = options.remedy
    this.details = options.details ?? {}
  }
}

/** A value given by the user is missing or malformed. `code` is `FAILOVER_CONFIGURATION`. */
export class ConfigurationError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_CONFIGURATION', message, options)
  }
}

/** A wait ran out of time. `code` is `FAILOVER_TIMEOUT`; the message says what was awaited and what was seen last. */
export class TimeoutError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_TIMEOUT', message, options)
  }
}

/** A wait was given up because its signal was aborted. `code` is `FAILOVER_ABORTED`. */
export class AbortedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_ABORTED', message, options)
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
