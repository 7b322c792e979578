import { z } from 'zod'
import { ConfigurationError } from '../core/index.ts'
import type { Fault, FaultDefinition } from './definition.ts'

/** A kind of fault that makes faults from parameters. */
export interface FaultKind<P, F> extends FaultDefinition<P, F> {
  /**
   * A fault of this kind.
   * @throws ConfigurationError that lists every wrong parameter
   */
  with(params: P): Fault
}

/**
 * Defines a kind of fault. One file per kind; add a line to the registry, and the contract test runs over it.
 * @example
 * const dnsDown = defineFault({
 *   kind: 'dns-down', summary: 'The resolver of a data centre stops.',
 *   params: z.strictObject({ dc: z.enum(['east', 'west']) }), capabilities: ['processes'], blastRadius: 'data-center',
 *   target: ({ dc }) => dc, affects: ({ dc }) => dc,
 *   survey: async () => ({}),
 *   plan: (_context, { dc }) => ({
 *     steps: [{ host: dc, do: { command: ['systemctl', 'stop', 'unbound'] }, undo: ['systemctl', 'start', 'unbound'] }],
 *     effect: `Names are not resolved at ${dc}.`, outage: [],
 *   }),
 *   confirm: async () => ({ evidence: {} }), confirmHealed: async () => ({ evidence: {} }),
 * })
 */
export function defineFault<P, F>(definition: FaultDefinition<P, F>): FaultKind<P, F> {
  return Object.freeze({
    ...definition,
    with(params: P): Fault {
      const parsed = definition.params.safeParse(params)
      if (!parsed.success) {
        throw new ConfigurationError(
          `The parameters of the fault ${definition.kind} are wrong:\n${z.prettifyError(parsed.error)}`,
          { remedy: 'See the doc comment of the function that makes it.' },
        )
      }
      return Object.freeze({
        kind: definition.kind,
        target: definition.target(parsed.data),
        params: parsed.data,
        // The engine hands the definition its own parameters and facts only, so the types meet again there.
        definition: definition,
      })
    },
  })
}
