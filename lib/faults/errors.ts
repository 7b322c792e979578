import { FailoverError, type FailoverErrorOptions } from '../core/index.ts'

/** Refused before anything was touched: budget, blast radius, capability, or an ended engine. `code` is `FAILOVER_FAULT_REFUSED`. */
export class FaultRefusedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_FAULT_REFUSED', message, options)
  }
}

/** The target is not as the fault needs it; nothing was touched. `code` is `FAILOVER_FAULT_TARGET`. */
export class FaultTargetError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_FAULT_TARGET', message, options)
  }
}

/** A step failed; what had been done was undone. `code` is `FAILOVER_FAULT_FAILED`. */
export class FaultFailedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_FAULT_FAILED', message, options)
  }
}

/**
 * The effect could not be measured, and the fault was undone. What the drill measured proves nothing: inconclusive. `code` is
 * `FAILOVER_FAULT_NOT_CONFIRMED`.
 */
export class FaultNotConfirmedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_FAULT_NOT_CONFIRMED', message, options)
  }
}

/** The effect is still there, or the undo failed. `code` is `FAILOVER_FAULT_NOT_HEALED`. */
export class FaultNotHealedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_FAULT_NOT_HEALED', message, options)
  }
}

/** A lease cannot be armed on the host; nothing was touched. `code` is `FAILOVER_LEASE_REFUSED`. */
export class LeaseRefusedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_LEASE_REFUSED', message, options)
  }
}

/** The host undid a fault because its lease was not renewed. `code` is `FAILOVER_LEASE_LOST`. */
export class LeaseLostError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_LEASE_LOST', message, options)
  }
}

/** What lies on a host cannot be told. `code` is `FAILOVER_SWEEP`. */
export class SweepError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_SWEEP', message, options)
  }
}
