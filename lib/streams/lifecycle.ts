import { formatMs, toMs, type Duration } from '../core/index.ts'
import type { CallOptions } from './connection.ts'
import type { DialectCall } from './dialect.ts'
import { StreamsError } from './errors.ts'
import type { ChangeOptions, ManagementClient } from './management.ts'
import type { Navigator } from './navigation.ts'
import { isTransient } from './retry.ts'
import { until } from './wait.ts'

const CHANGE: Duration = '60s'

/** A change of state: the call that asks for it, and how to see that it came. */
export interface Change<T> {
  readonly element: { readonly self: string }
  readonly call: DialectCall
  /** Whether asking twice is the same as asking once. */
  readonly repeatable: boolean
  readonly read: (options: CallOptions) => Promise<T>
  readonly done: (value: T) => boolean
  readonly seen: (value: T) => string
  readonly describe: string
}

/**
 * Asks for a change, then waits until it shows. A lost answer is no failure while we can watch for the effect.
 * @throws TimeoutError, StreamsError, AbortedError
 */
export async function change<T>(navigator: Navigator, wanted: Change<T>, options: ChangeOptions = {}): Promise<T> {
  const { signal, attempts } = options
  const within = options.within ?? CHANGE
  const wait = options.wait ?? true
  try {
    await navigator.call(wanted.element, wanted.call, { signal, attempts, within, repeatable: wanted.repeatable })
  } catch (error) {
    const lost = error instanceof StreamsError && error.mayHaveReached && isTransient(error)
    if (!wait || !lost) throw error
    navigator.transport.notice(
      `no clear answer to the call for ${wanted.describe} (${error.message}); watching for its effect.`,
    )
  }
  if (!wait) return wanted.read({ signal, within })
  return until((inner) => wanted.read({ signal: inner, attempts: 1 }), {
    within,
    signal,
    describe: `${wanted.describe} within ${formatMs(toMs(within))}`,
    done: wanted.done,
    seen: wanted.seen,
  })
}

/** Instance calls. */
export function instanceCalls(
  navigator: Navigator,
): Pick<ManagementClient, 'instance' | 'domain' | 'startInstance' | 'stopInstance'> {
  const { dc, dialect } = navigator.transport
  const turn = async (call: DialectCall, target: string, options: ChangeOptions = {}) => {
    const element = await navigator.instance(undefined, { signal: options.signal, within: options.within })
    return change(
      navigator,
      {
        element,
        call,
        repeatable: true,
        read: (inner) => navigator.instance(undefined, { ...inner, fresh: true }),
        done: (instance) => instance.status === target,
        seen: (instance) => `instance ${instance.id} is ${instance.status}`,
        describe: `instance ${element.id} of ${dc} to be ${target}`,
      },
      options,
    )
  }
  return {
    instance: (id, options) => navigator.instance(id, { ...options, fresh: true }),
    domain: (id, options) => navigator.domain(id, options),
    startInstance: (options) => turn(dialect.calls.startInstance, 'running', options),
    stopInstance: (options) => turn(dialect.calls.stopInstance, 'stopped', options),
  }
}
