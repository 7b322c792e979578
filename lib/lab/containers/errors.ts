import { FailoverError, type FailoverErrorOptions } from '../../core/index.ts'

/** No Docker daemon can be used from here. `code` is `FAILOVER_NO_CONTAINERS`. */
export class ContainersUnavailableError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_NO_CONTAINERS', message, options)
  }
}

/** The container lab could not start. `code` is `FAILOVER_LAB`. */
export class ContainerLabError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_LAB', message, options)
  }
}
