import { ConfigurationError, seeded, toMs, type Duration, type Random } from '../core/index.ts'
import type { Fault } from '../faults/index.ts'
import { between, hold, sequence, whole, type Schedule, type Sequence } from './schedule.ts'

/** Options of {@link random}. */
export interface RandomOptions {
  /** The same seed gives the same schedule. */
  readonly seed: number
  /** What is chosen from, all alike. Each may choose its own parameters, from the source that it is handed. */
  readonly faults: readonly ((random: Random) => Fault)[]
  /** How many faults. */
  readonly rounds: number
  /** How long a fault is on: the shortest and the longest time. */
  readonly hold: readonly [shortest: Duration, longest: Duration]
  /** How long nothing is done between two of them: the shortest and the longest time. */
  readonly pause: readonly [shortest: Duration, longest: Duration]
}

/**
 * Faults at random, one after the other; several at a time are a `parallel` of several of these, each with a seed of its own.
 * @throws ConfigurationError if there is nothing to choose from, or a range is none
 */
export function random(options: RandomOptions): Sequence {
  const { seed, faults, rounds } = options
  whole('random: the number of rounds', rounds)
  if (!Number.isInteger(seed)) {
    throw new ConfigurationError(`random: the seed is ${seed}.`, { remedy: 'Give a whole number.' })
  }
  if (faults.length === 0) {
    throw new ConfigurationError('random: there are no faults to choose from.', { remedy: 'Give at least one.' })
  }
  const held = range('hold', options.hold)
  const paused = range('pause', options.pause)
  const source = seeded(seed)
  return sequence(
    ...Array.from({ length: rounds }, (_, i): readonly Schedule[] => {
      // Of its own for each round, so that a fault that draws more does not change the ones after it.
      const round = source.fork(`round ${i + 1}`)
      const rest = round.integer(...paused)
      const length = round.integer(...held)
      const fault = round.pick(faults)(round.fork('parameters'))
      return between(i, `${rest}ms`, hold(fault, { for: `${length}ms` }))
    }).flat(),
  )
}

/** Both ends in whole milliseconds. */
function range(name: string, [shortest, longest]: readonly [Duration, Duration]): [number, number] {
  const ends: [number, number] = [Math.round(toMs(shortest)), Math.round(toMs(longest))]
  if (ends[0] <= ends[1]) return ends
  throw new ConfigurationError(`random: ${name} from ${shortest} to ${longest} is no range.`, {
    remedy: 'Give the shorter time first.',
  })
}
