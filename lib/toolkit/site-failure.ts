import { TimeoutError, messageOf } from '../core/index.ts'
import {
  ForbiddenError,
  InstanceNotStartedError,
  NotFoundError,
  RequestTimeoutError,
  StreamsError,
  UnauthorizedError,
  UnreachableError,
} from '../streams/index.ts'

/**
 * What a failed poll proves. `stopped`: the management service says that the instance does not run. `silent`: no answer in
 * time, which a slow network does too. `refused`: nobody listens, or the connection breaks. `denied`, `useless`: it answers,
 * but tells nothing.
 */
export type FailureKind = 'stopped' | 'silent' | 'refused' | 'denied' | 'useless'

/** A poll that gave no metrics. */
export interface SiteFailure {
  readonly asked: number
  readonly answered: number
  readonly kind: FailureKind
  readonly reason: string
}

/** What an error of a poll proves. */
export function failureOf(error: unknown, asked: number, answered: number): SiteFailure {
  return { asked, answered, kind: kindOf(error), reason: messageOf(error) }
}

function kindOf(error: unknown): FailureKind {
  if (error instanceof InstanceNotStartedError) return 'stopped'
  if (error instanceof UnauthorizedError || error instanceof ForbiddenError || error instanceof NotFoundError)
    return 'denied'
  if (error instanceof UnreachableError) return error.kind === 'connect-timeout' ? 'silent' : 'refused'
  if (error instanceof RequestTimeoutError || error instanceof TimeoutError) return 'silent'
  return error instanceof StreamsError ? 'useless' : 'silent'
}
