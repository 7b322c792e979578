import { FailoverError, TimeoutError, type FailoverErrorOptions } from '../core/index.ts'

/**
 * A command could not be started at all: no such program (local shells), no shell, or the machine refuses to run anything.
 * `code` is `FAILOVER_COMMAND_NOT_STARTED`.
 */
export class CommandNotStartedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_COMMAND_NOT_STARTED', message, options)
  }
}

/**
 * A command did not end before its deadline. It was killed with all its children, or the message says why that could not be
 * made sure. `details.sent` is false if it had not even been sent.
 */
export class CommandTimeoutError extends TimeoutError {}

/** A text cannot be a shell word: it holds a NUL. `code` is `FAILOVER_UNQUOTABLE`. */
export class UnquotableError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_UNQUOTABLE', message, options)
  }
}

/**
 * A TCP connection from a host was refused, or something on the way refused it. `details.reason` is `refused`, `unreachable`,
 * `unknown-name` or `other`. `code` is `FAILOVER_CONNECT_REFUSED`.
 */
export class ConnectRefusedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_CONNECT_REFUSED', message, options)
  }
}

/** Why a machine could not be reached: each calls for another remedy. */
export type UnreachableReason =
  'refused' | 'no-route' | 'unknown-name' | 'timeout' | 'closed' | 'not-ssh' | 'no-docker' | 'no-container'

/** The machine itself does not answer, or not with what was expected of it. `code` is `FAILOVER_HOST_UNREACHABLE`. */
export class HostUnreachableError extends FailoverError {
  readonly reason: UnreachableReason

  constructor(reason: UnreachableReason, message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_HOST_UNREACHABLE', message, options)
    this.reason = reason
  }
}

/** The machine did not accept who we say we are; the message lists what was tried and offered. `code` is `FAILOVER_AUTHENTICATION`. */
export class AuthenticationError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_AUTHENTICATION', message, options)
  }
}

/**
 * The key of an SSH server is not one of those that were pinned. The message names the host, the expected fingerprints and the
 * seen one, and so does `details`: `{ host, expected, seen }`. `code` is `FAILOVER_HOST_KEY`.
 */
export class HostKeyError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_HOST_KEY', message, options)
  }
}

/**
 * The connection to the machine broke. If a command was under way then nobody knows how far it got: it may have run to its end,
 * partly, or not at all, and may still be running. `code` is `FAILOVER_CONNECTION_LOST`.
 */
export class ConnectionLostError extends FailoverError {
  /** A command had been sent: its outcome is indeterminate. False: nothing of it was sent. */
  readonly underWay: boolean

  constructor(message: string, options: FailoverErrorOptions & { readonly underWay: boolean }) {
    super('FAILOVER_CONNECTION_LOST', message, options)
    this.underWay = options.underWay
  }
}

/** Root was asked for and not given. `code` is `FAILOVER_PRIVILEGE`. */
export class PrivilegeError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_PRIVILEGE', message, options)
  }
}
