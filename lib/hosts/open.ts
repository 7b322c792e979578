import { FailoverError, reveal } from '../core/index.ts'
import { localShell } from './local.ts'
import type { HostSettings } from './settings.ts'
import type { Shell } from './shell.ts'

/**
 * Opens the shell of a host. Nothing is connected before the first command.
 * @throws FailoverError where this version has no such kind of shell
 */
export function openShell(host: Pick<HostSettings, 'name' | 'shell' | 'sudo'>): Shell {
  const { name, shell, sudo } = host
  const password = typeof sudo === 'object' ? reveal(sudo.password) : undefined
  if (shell.kind === 'local' && password === undefined) return localShell({ name, sudo: sudo === true })
  throw new FailoverError('FAILOVER_HOST', `A ${shell.kind} shell is not there yet.`)
}

/** Shells of several hosts, by name. */
export interface HostShells {
  readonly byName: Readonly<Record<string, Shell>>
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens the shells of hosts. Dispose of them to end all connections. */
export function openShells(hosts: readonly Pick<HostSettings, 'name' | 'shell' | 'sudo'>[]): HostShells {
  const byName = Object.fromEntries(hosts.map((host) => [host.name, openShell(host)]))
  return {
    byName,
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(byName).map((shell) => shell[Symbol.asyncDispose]()))
    },
  }
}
