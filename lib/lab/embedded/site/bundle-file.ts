import { asObject, asOwn, asText } from '../parse.ts'
import type { PeKind } from '../protocol.ts'
import { describeOperators } from '../pe/operators.ts'

/** An attribute of a tuple: its name and SPL type. */
export interface Attribute {
  readonly name: string
  readonly type: string
}

/** A port that the data service offers. */
export interface BundleEndpoint {
  readonly operator: string
  readonly port: number
  readonly direction: 'inject' | 'inspect'
  readonly schema: readonly Attribute[]
}

/** A submission parameter that a bundle declares. */
export interface BundleParameter {
  readonly name: string
  readonly required?: boolean
  readonly defaultValue?: string
  /** The accepted values; any text if absent. */
  readonly values?: readonly string[]
}

/** An application bundle: the lab's stand-in for a SAB. See fixtures/apps/README.md. */
export interface Bundle {
  readonly format: typeof BUNDLE_FORMAT
  readonly version: 1
  readonly application: string
  readonly applicationVersion: string
  readonly parameters: readonly BundleParameter[]
  /** One process each. What operators a PE has follows from its kind. */
  readonly pes: readonly { readonly kind: PeKind }[]
  /** Streams between operators, as operator and port; the channels of a parallel operator are named without their index. */
  readonly connections: readonly { readonly from: readonly [string, number]; readonly to: readonly [string, number] }[]
  readonly endpoints: readonly BundleEndpoint[]
}

const BUNDLE_FORMAT = 'streams-failover-lab-sab'
const PE_KINDS = new Set<string>(['ingest', 'logic', 'sink', 'cross-dc', 'passive'] satisfies PeKind[])

/** Reads a bundle, or tells in a few words what is wrong with it. */
export function parseBundle(bytes: Buffer): Bundle | { readonly problem: string } {
  let parsed: unknown
  try {
    parsed = JSON.parse(bytes.toString('utf8'))
  } catch {
    return { problem: 'it is not JSON' }
  }
  const bundle = asObject(parsed)
  if (bundle?.['format'] !== BUNDLE_FORMAT) return { problem: `its format is not ${BUNDLE_FORMAT}` }
  if (bundle['version'] !== 1) return { problem: 'its version is not 1' }
  if (!asText(bundle['application'])) return { problem: 'it names no application' }
  for (const member of ['parameters', 'pes', 'connections', 'endpoints']) {
    if (!Array.isArray(bundle[member])) return { problem: `its ${member} are not a list` }
  }
  const checked = asOwn<Bundle>(bundle)
  if (checked.pes.length === 0) return { problem: 'it has no processing elements' }
  for (const pe of checked.pes) {
    if (!PE_KINDS.has(pe.kind)) {
      return { problem: `it has a processing element of kind ${JSON.stringify(pe.kind)}` }
    }
  }
  const operators = new Set(checked.pes.flatMap((pe) => describeOperators(pe.kind).map((operator) => operator.name)))
  const stray = checked.endpoints.find((endpoint) => !operators.has(endpoint.operator))
  return stray ? { problem: `it has an endpoint at the unknown operator ${stray.operator}` } : checked
}
