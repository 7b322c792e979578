import { FailoverError, TimeoutError, type FailoverErrorOptions } from '../core/index.ts'

/** A command could not be started at all: no such program, or no shell. `code` is `FAILOVER_COMMAND_NOT_STARTED`. */
export class CommandNotStartedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_COMMAND_NOT_STARTED', message, options)
  }
}

/** A command did not end before its deadline and was killed with all its children. */
export class CommandTimeoutError extends TimeoutError {}

/** A text cannot be a shell word: it holds a NUL. `code` is `FAILOVER_UNQUOTABLE`. */
export class UnquotableError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_UNQUOTABLE', message, options)
  }
}

/** A TCP connection from a host was refused. `code` is `FAILOVER_CONNECT_REFUSED`. */
export class ConnectRefusedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_CONNECT_REFUSED', message, options)
  }
}
