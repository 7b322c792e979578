import { FailoverError, type FailoverErrorOptions } from '../core/index.ts'

/** A spec needs what its environment cannot do, and `FAILOVER_REQUIRE` forbids to skip it. `code` is `FAILOVER_CAPABILITY`. */
export class CapabilityError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_CAPABILITY', message, options)
  }
}
