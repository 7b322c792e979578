import { FailoverError, type FailoverErrorOptions } from '../core/index.ts'

/** A data centre declared its peer down, or took state over, while it should not have. */
export class UnexpectedTakeoverError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('TOOLKIT_UNEXPECTED_TAKEOVER', message, options)
  }
}
