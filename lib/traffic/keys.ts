import type { KeyEntry } from '../history/index.ts'
import type { DcName } from './types.ts'

/** Both data centres, in the order in which the workers count them. */
export const DCS: readonly [DcName, DcName] = ['east', 'west']

/** The other data centre. */
export function otherDc(dc: DcName): DcName {
  return dc === 'east' ? 'west' : 'east'
}

/** Prefix of the keys of witness tuples. */
const WITNESS_PREFIX = 'witness-'

/**
 * The keys of one run: `count` of them, spread evenly over the homes (rounded up), named by home, number and the run's tag, then
 * one witness key per home if asked for. New keys for each run keep the application's running counts apart.
 */
export function keysOf(options: {
  readonly homes: readonly DcName[]
  readonly count: number
  readonly tag: string
  readonly witness: boolean
}): readonly KeyEntry[] {
  const { homes, count, tag, witness } = options
  const keys: KeyEntry[] = []
  for (let index = 0; index < Math.ceil(count / homes.length); index++) {
    for (const home of homes) keys.push({ key: `${home}-${index}-${tag}`, home })
  }
  if (witness) for (const home of homes) keys.push({ key: `${WITNESS_PREFIX}${home}-${tag}`, home, witness: true })
  return keys
}
