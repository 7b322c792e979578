import { Secret } from '../../core/index.ts'
import type { ConnectionOptions } from '../connection.ts'
import { StreamsError } from '../errors.ts'
import { openTransport } from '../http.ts'

/** A password that no message may show. */
export const CANARY = 'canary-s3cret'

/** What {@link open} logs in with. */
const credentials = { username: 'streamsadmin', password: new Secret(CANARY) }

/** A transport that does not wait long before it tries again. */
export function open(url: string, options: Partial<ConnectionOptions> = {}) {
  return openTransport({ dc: 'east', url, credentials, retry: { base: '1ms', cap: '5ms' }, ...options })
}

/** The error of a call that must fail with one of this client's own. */
export async function failure(promise: Promise<unknown>): Promise<StreamsError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof StreamsError) return error
  throw new Error(`It did not fail with an error of the client's own, but with: ${String(error)}`, { cause: error })
}
