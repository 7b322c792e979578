import type { Duration } from '../core/index.ts'
import { holderOf, openShell } from '../hosts/index.ts'
import { EnvironmentError, type ConfigurationProblem } from './errors.ts'
import { acquireEnvironmentLock, type EnvironmentLock, type EnvironmentLockOptions } from './lock.ts'
import { resolveEnvironment } from './resolve.ts'
import type { EnvironmentDeclaration } from './schema.ts'
import { duration } from './variable.ts'
import { readVariables, valueOf, variable, type VariableSources } from './variables.ts'

/** Options of {@link lockLiveEnvironment}. */
export interface LiveLockOptions
  extends VariableSources, Pick<EnvironmentLockOptions, 'ttl' | 'signal' | 'onWaiting' | 'onLost'> {
  /** Name of the run, for whoever waits for it. */
  readonly run?: string
}

/**
 * Takes the lock of a live environment, for a whole run: on its first host, else on this machine. Waits for somebody else's as
 * long as FAILOVER_LOCK_WAIT says.
 * @throws EnvironmentLockedError naming the holder; EnvironmentError as {@link resolveEnvironment}; errors of the host's shell
 */
export async function lockLiveEnvironment(
  declared: EnvironmentDeclaration,
  options: LiveLockOptions = {},
): Promise<EnvironmentLock> {
  const { run, ttl, signal, onWaiting, onLost, ...sources } = options
  const problems: ConfigurationProblem[] = []
  const variables = readVariables(sources)
  const wait: Duration | undefined = valueOf(variables, variable('FAILOVER_LOCK_WAIT'), duration, problems)
  if (problems.length > 0) throw new EnvironmentError(declared.name, problems)
  const environment = await resolveEnvironment(declared, { ...sources, target: 'live' })
  const [first] = environment.hosts
  const shell = openShell(first ?? { name: 'this machine', shell: { kind: 'local' } })
  const close = async (): Promise<void> => {
    await shell[Symbol.asyncDispose]()
    await environment[Symbol.asyncDispose]()
  }
  try {
    const lock = await acquireEnvironmentLock({
      shell,
      directory: first?.leaseDirectory ?? environment.leaseDirectory,
      environment: environment.name,
      holder: holderOf({ run, env: options.env ?? process.env }),
      signal,
      ...(ttl === undefined ? {} : { ttl }),
      ...(wait === undefined ? {} : { wait }),
      ...(onWaiting === undefined ? {} : { onWaiting }),
      ...(onLost === undefined ? {} : { onLost }),
    })
    return {
      ...lock,
      async [Symbol.asyncDispose]() {
        try {
          await lock[Symbol.asyncDispose]()
        } finally {
          await close()
        }
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
