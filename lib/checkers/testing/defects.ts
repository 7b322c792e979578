import type { Random } from '../../core/index.ts'
import {
  dropEvents,
  homeOf,
  loseOne,
  neighbours,
  neverTakenOver,
  pairState,
  pollsOf,
  replace,
  sightsOf,
  startOf,
  swap,
} from './planting.ts'
import type { World, WorldOptions } from './world.ts'

/** A way to spoil a clean drill so that one checker must fail. */
export interface Defect {
  readonly checker: string
  readonly what: string
  readonly options?: Partial<WorldOptions>
  readonly plant: (world: World, random: Random) => void
}

/** Something without which a checker cannot pass. */
export interface Removal {
  readonly what: string
  readonly checkers: readonly string[]
  readonly remove: (world: World) => void
}

/** One defect or more for every checker. */
export const DEFECTS: readonly Defect[] = [
  { checker: 'lost', what: 'an acknowledged tuple never comes out', plant: loseOne },
  { checker: 'rpo', what: 'an acknowledged tuple is lost', plant: loseOne },
  {
    checker: 'duplicated',
    what: 'a tuple comes out twice',
    options: { delivery: 'exactly-once' },
    plant: (world, random) => {
      const { dc, sight } = random.pick(sightsOf(world))
      const later = pollsOf(world, dc)
        .filter(({ sights }) => !sights.includes(sight))
        .at(-1)
      later?.sights.push({ ...sight })
    },
  },
  {
    checker: 'order',
    what: 'two neighbours of a key change places',
    plant: (world, random) => {
      const { sight, next } = random.pick(neighbours(world))
      swap(world, sight, next)
    },
  },
  {
    checker: 'integrity',
    what: 'a checksum does not match',
    plant: (world, random) => replace(world, random.pick(sightsOf(world)).sight, (sight) => ({ ...sight, flags: 1 })),
  },
  {
    checker: 'integrity',
    what: 'a value is not what was sent',
    plant: (world, random) =>
      replace(world, random.pick(sightsOf(world)).sight, (sight) => ({ ...sight, value: sight.value + 1 })),
  },
  {
    checker: 'integrity',
    what: 'a tuple cannot be read',
    plant: (world, random) => replace(world, random.pick(sightsOf(world)).sight, (sight) => ({ ...sight, flags: 2 })),
  },
  {
    checker: 'phantom',
    what: 'a tuple comes out that nobody sent',
    plant: (world, random) => {
      const { poll, sight } = random.pick(sightsOf(world))
      poll.sights.push({ ...sight, seq: 10_000_000 + random.integer(0, 1000), keySeq: 1_000_000 })
    },
  },
  {
    checker: 'phantom',
    what: 'a refused tuple comes out',
    plant: (world) => {
      const batches = new Set(
        world.sends.flatMap((one) =>
          'outcome' in one && one.outcome.outcome === 'refused' ? [one.outcome.batch] : [],
        ),
      )
      const refused = world.sends.findLast(
        (one) => 'send' in one && batches.has(one.send.batch) && !world.keys[one.send.key]?.witness,
      )
      if (!refused || !('send' in refused)) return
      const { seq, key, keySeq, value } = refused.send
      const poll = pollsOf(world, world.victim).at(-1)
      poll?.sights.push({ seq, key, keySeq, value, count: 1_000, sum: 1_000, flags: 0 })
    },
  },
  {
    checker: 'late',
    what: 'a tuple comes out long after it was sent',
    plant: (world, random) => {
      const early = sightsOf(world).filter(({ dc, sight }) => dc === world.survivor && homeOf(world, sight) === dc)
      const { poll, sight } = random.pick(early.slice(0, 50))
      poll.sights = poll.sights.filter((one) => one !== sight)
      pollsOf(world, world.survivor)
        .find((one) => one.poll.asked > poll.poll.asked + 700)
        ?.sights.push(sight)
    },
  },
  {
    checker: 'transformation',
    what: 'a sum is off by one',
    plant: (world, random) => {
      const { sight } = random.pick(neighbours(world))
      replace(world, sight, (one) => ({ ...one, sum: one.sum + 1 }))
    },
  },
  {
    checker: 'transformation',
    what: 'a count skips one',
    plant: (world) => {
      const own = sightsOf(world).filter(({ dc }) => dc === world.survivor)
      const key = own[0]?.sight.key
      for (const { sight } of own.filter((one) => one.sight.key === key && one.sight.count > 5)) {
        replace(world, sight, (one) => ({ ...one, count: one.count + 1 }))
      }
    },
  },
  {
    checker: 'stale-state',
    what: 'the state taken over is older than agreed',
    options: { stateAgeMs: 700 },
    plant: (world) => {
      startOf(world).objectives = { rpo: { tuples: 0, stateAgeMs: 50 } }
    },
  },
  {
    checker: 'stale-state',
    what: 'a key is missing from the state',
    options: { stateAgeMs: 100 },
    plant: (world) => {
      const own = sightsOf(world).filter(
        ({ dc, sight }) => dc === world.survivor && homeOf(world, sight) === world.victim,
      )
      const key = own[0]?.sight.key
      const base = own[0]?.sight
      for (const { sight } of own.filter((one) => one.sight.key === key)) {
        replace(world, sight, (one) => ({
          ...one,
          count: one.count - (base?.count ?? 0) + 1,
          sum: one.sum - (base?.sum ?? 0) + (base?.value ?? 0),
        }))
      }
    },
  },
  {
    checker: 'split-brain',
    what: 'both process a witness tuple',
    plant: (world, random) => {
      const { sight } = random.pick(
        sightsOf(world).filter(({ dc, sight: { key } }) => world.keys[key]?.witness && dc === world.survivor),
      )
      pollsOf(world, world.victim)
        .at(-1)
        ?.sights.push({ ...sight, count: 500, sum: 500 })
    },
  },
  {
    checker: 'split-brain',
    what: 'new work of a key goes on at the old owner after the takeover',
    plant: (world) => {
      const own = sightsOf(world).filter(
        ({ dc, sight }) =>
          dc === world.survivor && homeOf(world, sight) === world.victim && !world.keys[sight.key]?.witness,
      )
      const taken = own[Math.floor(own.length / 2)]
      const later = taken?.poll.poll
      if (!taken || !later) return
      taken.poll.sights = taken.poll.sights.filter((one) => one !== taken.sight)
      const poll = { ...later, dc: world.victim }
      world.polls.splice(world.polls.indexOf(taken.poll), 0, { poll, sights: [taken.sight] })
    },
  },
  {
    checker: 'split-brain',
    what: 'each declares the other down while both are healthy',
    plant: (world) => pairState(world, 'split-brain'),
  },
  {
    checker: 'stuck-split-brain',
    what: 'both healthy sides fall silent',
    plant: (world) => pairState(world, 'stuck-split-brain'),
  },
  {
    checker: 'reconvergence',
    what: 'the pair does not rejoin',
    plant: (world) => {
      const last = world.events.findLast((event) => event.type === 'pair')
      world.events = world.events.filter((event) => event !== last)
    },
  },
  {
    checker: 'throughput',
    what: 'a third of the work stays away after the recovery',
    plant: (world) => {
      for (const { poll, sight } of sightsOf(world)) {
        if (poll.poll.asked < world.recoveredBy || homeOf(world, sight) !== world.victim || sight.seq % 3 > 0) continue
        poll.sights = poll.sights.filter((one) => one !== sight)
      }
    },
  },
  {
    checker: 'rto',
    what: 'service comes back too late',
    plant: (world) => {
      startOf(world).objectives = { rtoMs: world.options.detectionMs - 50 }
    },
  },
  { checker: 'rto', what: 'service never comes back', options: { afterMs: 1200 }, plant: neverTakenOver },
  { checker: 'takeover', what: 'nobody takes over', options: { afterMs: 1200 }, plant: neverTakenOver },
  {
    checker: 'prediction',
    what: 'detection takes longer than the rules allow',
    plant: (world) => {
      const { detectionMs } = world.options
      startOf(world).prediction = { detectionAfterCrash: { lowerMs: 0, upperMs: detectionMs - 50 } }
    },
  },
]

/** What may be missing, and whose verdicts hang on it. */
export const REMOVALS: readonly Removal[] = [
  {
    what: 'the taps',
    checkers: [
      ...['rto', 'rpo', 'lost', 'duplicated', 'order', 'integrity', 'phantom', 'late'],
      ...['transformation', 'stale-state', 'split-brain', 'throughput'],
    ],
    remove: (world) => {
      world.polls = []
    },
  },
  {
    what: 'one tap',
    checkers: ['rpo', 'lost', 'duplicated', 'order', 'integrity', 'phantom', 'late', 'split-brain', 'throughput'],
    remove: (world) => {
      world.polls = pollsOf(world, world.survivor)
    },
  },
  {
    what: 'what an overrun tap dropped',
    checkers: ['rpo', 'lost', 'duplicated', 'order', 'integrity', 'phantom', 'late', 'transformation'],
    remove: (world) => {
      const lost = sightsOf(world)[10]
      if (!lost) return
      lost.poll.sights = lost.poll.sights.filter((one) => one !== lost.sight)
      const at = world.polls.indexOf(lost.poll)
      world.polls[at] = { poll: { ...lost.poll.poll, overrun: 1 }, sights: lost.poll.sights }
    },
  },
  {
    what: 'the time of the outage',
    checkers: ['rto', 'takeover', 'stale-state', 'prediction'],
    remove: (world) => dropEvents(world, ['outage']),
  },
  {
    what: 'the traffic after the outage',
    checkers: ['rto', 'stale-state', 'throughput'],
    remove: (world) => {
      const { earliest } = world.outage
      const kept = new Set<number>()
      world.sends = world.sends.filter((one) => {
        if ('outcome' in one) return kept.has(one.outcome.batch)
        if (one.at < earliest) kept.add(one.send.batch)
        return one.at < earliest
      })
      const sent = new Set(world.sends.flatMap((one) => ('send' in one ? [one.send.seq] : [])))
      for (const poll of world.polls) poll.sights = poll.sights.filter(({ seq }) => sent.has(seq))
    },
  },
  {
    what: 'the monitor',
    checkers: ['stuck-split-brain', 'reconvergence', 'prediction'],
    remove: (world) => dropEvents(world, ['pair', 'observation', 'takeover']),
  },
  {
    what: 'the monitor and the witnesses',
    checkers: ['split-brain'],
    remove: (world) => {
      dropEvents(world, ['pair', 'observation', 'takeover'])
      const witness = (key: number): boolean => world.keys[key]?.witness === true
      world.sends = world.sends.filter((one) => !('send' in one && witness(one.send.key)))
      for (const poll of world.polls) poll.sights = poll.sights.filter(({ key }) => !witness(key))
    },
  },
]
