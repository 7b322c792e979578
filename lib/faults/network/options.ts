import { z } from 'zod'
import type { Firewall } from './host-checks.ts'
import { portParam, type PortName } from './paths.ts'

/** Parameters that every cut takes. */
export const cutOptions = {
  ports: z.array(portParam).min(1).readonly().exactOptional(),
  by: z.enum(['nft', 'iptables']).exactOptional(),
}

/** Options that every cut takes. */
export interface CutOptions {
  /** Only these ports of the data centre that is connected to, by what they are for or by number. Default: everything. */
  readonly ports?: readonly PortName[]
  /** The packet filter of hosts to use. Default: nft where it works, else iptables. No meaning in the embedded lab. */
  readonly by?: Firewall['kind']
}

/** An object without members that are undefined. */
export function withoutUndefined<T extends object>(values: T): { readonly [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]: Exclude<T[K], undefined>
  }
}
