import { reveal, Secret } from '../../../lib/core/index.ts'
import type { FaultEnvironment } from '../../../lib/faults/index.ts'
import type { HostSettings } from '../../../lib/hosts/index.ts'

/** What a worker of the kill matrix does: inject one fault, hold it, heal it. Its file holds keys in the clear (mode 0600). */
export interface Order {
  readonly environment: FaultEnvironment
  readonly hosts: readonly PlainHost[]
  readonly fault: { readonly kind: string; readonly params: unknown }
  readonly ttl: `${number}ms`
  /** How long the fault stays on, in milliseconds. */
  readonly holdMs: number
}

/** {@link HostSettings} with the key in the clear. */
export interface PlainHost {
  readonly settings: HostSettings
  readonly privateKey: string | undefined
}

/** A host, ready to be written to a file. */
export function plainHost(settings: HostSettings): PlainHost {
  const { shell } = settings
  if (shell.kind !== 'ssh') return { settings, privateKey: undefined }
  const { privateKey, ...rest } = shell
  return { settings: { ...settings, shell: rest }, privateKey: privateKey && reveal(privateKey) }
}

/** A host, as it was before it went to a file. */
export function hostOf({ settings, privateKey }: PlainHost): HostSettings {
  const { shell } = settings
  if (shell.kind !== 'ssh' || privateKey === undefined) return settings
  return { ...settings, shell: { ...shell, privateKey: new Secret(privateKey) } }
}
