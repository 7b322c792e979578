import { z } from 'zod'
import type { DcName } from '../history/index.ts'

/** A data centre, by name or as the fixtures hand it out. */
export type DcRef = DcName | { readonly name: DcName }

/** The name of a data centre. */
export function nameOf(dc: DcRef): DcName {
  return typeof dc === 'string' ? dc : dc.name
}

/** A data centre as a parameter of a fault. */
export const dcParam = z.enum(['east', 'west'])

/** Two different data centres as a parameter of a fault. */
export const pairParam = z.tuple([dcParam, dcParam]).refine(([a, b]) => a !== b, 'must be two different data centres')
