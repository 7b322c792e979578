import { seeded, type Random } from '../../core/index.ts'
import type { DcName, EventOf, HistoryEventInput, SendRecord, SightRecord } from '../../history/index.ts'
import type { World } from './world.ts'

type Start = Extract<HistoryEventInput, { type: 'drill-started' }>

/** A random source for planting. */
export const planter = (world: World): Random => seeded(world.options.seed).fork('defect')

/** The first event of a simulated drill, to be changed. */
export function startOf(world: World): Start {
  const start = world.events.find((event): event is Start => event.type === 'drill-started')
  if (!start) throw new Error('a simulated drill begins with its start')
  return start
}

/** Leaves out all events of some types. */
export function dropEvents(world: World, types: readonly EventOf<'pair'>['type'][] | readonly string[]): void {
  world.events = world.events.filter(({ type }) => !(types as readonly string[]).includes(type))
}

/** A tuple as a tap saw it. */
export interface Shown {
  readonly poll: World['polls'][number]
  readonly dc: DcName
  readonly sight: SightRecord
}

/** Everything that the taps saw. */
export function sightsOf(world: World): Shown[] {
  return world.polls.flatMap((poll) => poll.sights.map((sight) => ({ poll, dc: poll.poll.dc, sight })))
}

/** What the tap of one data centre saw. */
export const pollsOf = (world: World, dc: DcName): World['polls'] => world.polls.filter(({ poll }) => poll.dc === dc)

/** The data centre whose work a tuple is. */
export const homeOf = (world: World, { key }: SightRecord): DcName | undefined => world.keys[key]?.home

/** Tuples with the next one of the same key at the same data centre, where it follows without a gap. */
export function neighbours(world: World): { readonly sight: SightRecord; readonly next: SightRecord }[] {
  const last = new Map<string, SightRecord>()
  return sightsOf(world).flatMap(({ dc, sight }) => {
    const before = last.get(`${dc} ${sight.key}`)
    last.set(`${dc} ${sight.key}`, sight)
    return before && before.count + 1 === sight.count ? [{ sight: before, next: sight }] : []
  })
}

/** Lets two tuples come out in each other's place. */
export function swap(world: World, first: SightRecord, second: SightRecord): void {
  for (const poll of world.polls) {
    poll.sights = poll.sights.map((one) => (one === first ? second : one === second ? first : one))
  }
}

/** Changes how a tuple came out. */
export function replace(world: World, sight: SightRecord, by: (sight: SightRecord) => SightRecord): void {
  for (const poll of world.polls) poll.sights = poll.sights.map((one) => (one === sight ? by(one) : one))
}

/** Lets a tuple never come out. */
export function loseOne(world: World, random: Random): void {
  const { poll, sight } = random.pick(sightsOf(world))
  poll.sights = poll.sights.filter((one) => one !== sight)
}

/** Takes the takeover away, and all that the survivor did of the victim's work. */
export function neverTakenOver(world: World): void {
  dropEvents(world, ['takeover', 'observation'])
  for (const poll of pollsOf(world, world.survivor)) {
    poll.sights = poll.sights.filter((sight) => homeOf(world, sight) === world.survivor)
  }
}

/** Puts the pair into a state after the takeover. */
export function pairState(world: World, state: 'split-brain' | 'stuck-split-brain'): void {
  const at = world.events.findIndex(({ type }) => type === 'takeover')
  const { latest } = world.outage
  world.events.splice(at + 1, 0, { type: 'pair', at: { earliest: latest + 500, latest: latest + 510 }, state })
}

/**
 * Lets a tuple overtake the one before it of its key, as an application does that gets them so: counts and sums follow the order
 * of processing. `excuse`: the sender had given the first one up before, or sent it while the data centre was away.
 */
export function overtake(world: World, random: Random, excuse: 'given up' | 'sent while away' | undefined): void {
  const { sight, next } = random.pick(
    neighbours(world).filter((pair) => {
      const poll = pollOf(world, pair.next)
      // A witness comes out at both. And nobody has given up by then what is answered later.
      if (poll === undefined || poll === pollOf(world, pair.sight) || world.keys[pair.sight.key]?.witness) return false
      return doneAt(world, pair.sight) < poll.poll.answered
    }),
  )
  const before = sight.sum - sight.value
  swap(world, sight, next)
  replace(world, next, (one) => ({ ...one, count: sight.count, sum: before + next.value }))
  replace(world, sight, (one) => ({ ...one, count: next.count, sum: before + next.value + sight.value }))
  if (excuse === 'sent while away') {
    const send = sendOf(world, sight)
    if (!send) throw new Error(`the tuple ${sight.seq} was never sent`)
    const at = { earliest: send.sentAt - 1, latest: send.sentAt - 0.5 }
    world.events.push({ type: 'outage', dc: send.dc, at, reason: 'planted', fault: 'planted', ends: at })
  }
  if (excuse !== 'given up') return
  const batch = sendOf(world, sight)?.batch
  world.sends = world.sends.map((one) =>
    'outcome' in one && one.outcome.batch === batch
      ? { ...one, outcome: { ...one.outcome, outcome: 'indeterminate' } }
      : one,
  )
}

function sendOf(world: World, { seq }: SightRecord): SendRecord | undefined {
  return world.sends.flatMap((one) => ('send' in one ? one.send : [])).find((send) => send.seq === seq)
}

function doneAt(world: World, sight: SightRecord): number {
  const batch = sendOf(world, sight)?.batch
  const done = world.sends.find((one) => 'outcome' in one && one.outcome.batch === batch)
  return done && 'outcome' in done ? done.outcome.doneAt : Number.POSITIVE_INFINITY
}

function pollOf(world: World, sight: SightRecord): World['polls'][number] | undefined {
  return world.polls.find(({ sights }) => sights.includes(sight))
}
