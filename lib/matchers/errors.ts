import { FailoverError } from '../core/index.ts'

/**
 * What a matcher was asked cannot be known from what was recorded. It is thrown with and without `.not`, since unknown is never a
 * pass. `code` is `FAILOVER_INCONCLUSIVE`.
 */
export class InconclusiveError extends FailoverError {
  constructor(message: string) {
    super('FAILOVER_INCONCLUSIVE', message)
  }
}
