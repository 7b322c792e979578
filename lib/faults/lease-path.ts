import type { HostName } from './definition.ts'
import type { FaultEnvironment } from './target.ts'

/** Directory of the leases on a host. */
export function leaseDirectoryOf(
  environment: Pick<FaultEnvironment, 'hosts' | 'leaseDirectory'>,
  host: HostName,
): string {
  return environment.hosts.find(({ name }) => name === host)?.leaseDirectory ?? environment.leaseDirectory
}

/** Directory of the lease that a fault holds on a host; its undo finds it as `$LEASE`. */
export function leasePath(
  environment: Pick<FaultEnvironment, 'hosts' | 'leaseDirectory'>,
  id: string,
  host: HostName,
): string {
  return `${leaseDirectoryOf(environment, host).replace(/\/+$/, '')}/${id}.${host}`
}
