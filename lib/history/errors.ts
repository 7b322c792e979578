import { FailoverError, type FailoverErrorOptions } from '../core/index.ts'

/** A drill's record cannot be written or read. `code` is `FAILOVER_HISTORY`. */
export class HistoryError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}, code = 'FAILOVER_HISTORY') {
    super(code, message, options)
  }
}

/** A file of a drill's record holds what no recorder writes. `code` is `FAILOVER_HISTORY_CORRUPT`. */
export class CorruptHistoryError extends HistoryError {
  readonly file: string
  /** Byte at which the trouble begins. */
  readonly offset: number

  constructor(file: string, offset: number, what: string, options: FailoverErrorOptions = {}) {
    super(
      `${file} is damaged at byte ${offset}: ${what}.`,
      { remedy: 'Take the file from a backup, or run the drill again: no verdict can be drawn from it.', ...options },
      'FAILOVER_HISTORY_CORRUPT',
    )
    this.file = file
    this.offset = offset
  }
}
