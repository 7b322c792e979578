import { z } from 'zod'

/** One of the known values, or another one that a newer server invented, in lower camel case. */
export type Known<T extends string> = T | (string & Record<never, never>)

const SYNONYMS: Readonly<Record<string, string>> = {
  cancelling: 'canceling',
  cancelled: 'canceled',
  crashed: 'crash',
  nofeasibleresource: 'noViableResource',
}

/**
 * A schema for a state that servers spell as `partiallyRunning`, `PARTIALLY_RUNNING` or `partially-running`: the answer is lower
 * camel case. `cancelled` and `canceled` are the same word. A missing or null state is `unknown`.
 */
export function state<const T extends string>(values: readonly T[]) {
  const known = new Map<string, string>(values.map((value) => [squash(value), value]))
  return z
    .string()
    .nullish()
    .transform((text): Known<T | 'unknown'> => {
      if (text === null || text === undefined || text === '') return 'unknown'
      const squashed = squash(text)
      const synonym = SYNONYMS[squashed]
      return (synonym && known.get(squash(synonym))) ?? known.get(squashed) ?? lowerCamel(text)
    })
}

/** A text in lower camel case: `PARTIALLY_RUNNING`, `partially running` and `PartiallyRunning` become `partiallyRunning`. */
export function lowerCamel(text: string): string {
  const words = text.split(/[\s_-]+/).filter((word) => word !== '')
  return words
    .map((word, index) => {
      const plain = word === word.toUpperCase() ? word.toLowerCase() : word
      const first = plain.charAt(0)
      return (index === 0 ? first.toLowerCase() : first.toUpperCase()) + plain.slice(1)
    })
    .join('')
}

function squash(text: string): string {
  return text.replace(/[\s_-]/g, '').toLowerCase()
}
