import { containerShell } from './container.ts'
import { localShell } from './local.ts'
import type { HostSettings } from './settings.ts'
import type { Shell } from './shell.ts'
import { sshShell } from './ssh.ts'

/**
 * Opens the shell of a host. Nothing is connected before the first command.
 * @throws ConfigurationError if the settings cannot be right
 */
export function openShell(host: Pick<HostSettings, 'name' | 'shell' | 'sudo'>): Shell {
  const { name, shell, sudo } = host
  switch (shell.kind) {
    case 'local':
      return localShell({ name, ...(sudo ? { sudo } : {}) })
    case 'ssh':
      return sshShell({ ...shell, name, sudo })
    case 'container':
      return containerShell({ name, container: shell.container, ...(sudo ? { sudo: true } : {}) })
  }
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
