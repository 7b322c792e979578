import { FailoverError, type FailoverErrorOptions } from '../core/index.ts'

/** Traffic cannot go on: a worker died, or the endpoints cannot be found. `code` is `FAILOVER_TRAFFIC`. */
export class TrafficError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_TRAFFIC', message, options)
  }
}
