import type { EnvironmentLock, LiveLockOptions } from '../environment/index.ts'

/** Takes the lock of one environment for a run. */
export type TakeLock = (options: LiveLockOptions) => Promise<EnvironmentLock>

// The configuration and the global setup are loaded separately: what they share must not hang on a module's identity. A
// declaration may hold secrets, so it does not travel with what a project provides.
const KEY = Symbol.for('streams-failover.locks')
const holder: typeof globalThis & { [KEY]?: Map<string, TakeLock> } = globalThis

/** Says how the lock of an environment is taken, for the run's global setup. */
export function registerLock(environment: string, take: TakeLock): void {
  ;(holder[KEY] ??= new Map()).set(environment, take)
}

/** How the lock of an environment is taken; undefined for one that is nobody else's, such as a lab. */
export function lockOf(environment: string): TakeLock | undefined {
  return holder[KEY]?.get(environment)
}
