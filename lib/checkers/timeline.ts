import type { Interval } from '../core/index.ts'
import { dcIndex, type DcName, type EventOf, type HistoryEvent, type PairState } from '../history/index.ts'

/** An outage as the ledger needs it. Instants are absolute. */
export interface OutageFact {
  readonly name: DcName
  readonly dc: 0 | 1
  readonly at: Interval
  readonly reason: string
  readonly ends: Interval | null
}

/** A fault with the times of its states. */
export interface FaultFact {
  readonly id: string
  readonly kind: string
  readonly target: string
  readonly affects: DcName | null
  readonly states: Readonly<Partial<Record<EventOf<'fault'>['state'], Interval>>>
  /** What was said last; of a fault that failed, why. */
  readonly detail: string | null
}

/** The events of a drill, sorted by what checkers ask for. */
export interface Timeline {
  readonly outages: readonly OutageFact[]
  readonly faults: readonly FaultFact[]
  /** Per data centre: when its state may have been set back by an outage, a fault or a relaunch. Sorted. */
  readonly breaks: readonly [readonly Interval[], readonly Interval[]]
  /** Times at which the work of a home was directed to a data centre. */
  readonly routes: readonly { readonly home: 0 | 1; readonly to: 0 | 1; readonly at: Interval }[]
  readonly pairs: readonly { readonly state: PairState; readonly at: Interval; readonly evidence: string }[]
  /** Whether a monitor watched the pair at all. */
  readonly watched: boolean
  /** When the first fault or outage began; infinite if none. */
  readonly firstTrouble: number
  /** When the last fault was healed or the last outage ended, whichever is later; null if none did. */
  readonly lastHealed: Interval | null
  readonly ended: EventOf<'drill-ended'> | null
  readonly of: <Type extends HistoryEvent['type']>(type: Type) => readonly EventOf<Type>[]
}

/** Sorts the events of a history by what checkers ask for. */
export function timelineOf(events: readonly HistoryEvent[]): Timeline {
  const of = <Type extends HistoryEvent['type']>(type: Type): readonly EventOf<Type>[] =>
    events.filter((event): event is EventOf<Type> => event.type === type)
  const outages = outagesOf(of('outage'))
  const faults = faultsOf(of('fault'))
  const starts = [
    ...outages.map(({ at }) => at.earliest),
    ...faults.flatMap(({ states }) => (states.injected ? [states.injected.earliest] : [])),
  ]
  const healed = [
    ...outages.flatMap(({ ends }) => (ends ? [ends] : [])),
    ...faults.flatMap(({ states }) => (states.healed ? [states.healed] : [])),
  ].sort((a, b) => a.latest - b.latest)
  const breaksOf = (dc: DcName): readonly Interval[] =>
    [
      ...outages.filter(({ name }) => name === dc).map(({ at }) => at),
      ...faults.flatMap(({ affects, states }) => (affects === dc && states.injected ? [states.injected] : [])),
      ...of('observation').flatMap((event) => (event.dc === dc && event.subject === 'relaunch' ? [event.at] : [])),
    ].sort((a, b) => a.earliest - b.earliest)
  return {
    outages,
    faults,
    breaks: [breaksOf('east'), breaksOf('west')],
    routes: of('traffic').flatMap(({ event, home, to, at }) =>
      (event === 'redirected' || event === 'failback') && home && to
        ? [{ home: dcIndex(home), to: dcIndex(to), at }]
        : [],
    ),
    pairs: of('pair'),
    watched: of('pair').length + of('observation').length > 0,
    firstTrouble: Math.min(Number.POSITIVE_INFINITY, ...starts),
    lastHealed: healed.at(-1) ?? null,
    ended: of('drill-ended').at(-1) ?? null,
    of,
  }
}

function outagesOf(events: readonly EventOf<'outage'>[]): readonly OutageFact[] {
  const facts = new Map<string, OutageFact>()
  for (const { dc, at, reason, ends } of events) {
    const id = `${dc} ${at.earliest} ${at.latest}`
    const known = facts.get(id)
    facts.set(id, { name: dc, dc: dcIndex(dc), at, reason: known?.reason ?? reason, ends: ends ?? known?.ends ?? null })
  }
  return [...facts.values()].sort((a, b) => a.at.earliest - b.at.earliest)
}

function faultsOf(events: readonly EventOf<'fault'>[]): readonly FaultFact[] {
  const facts = new Map<string, FaultFact>()
  for (const { id, kind, target, affects, state, at, detail } of events) {
    const known = facts.get(id)
    facts.set(id, {
      id,
      kind,
      target,
      affects: affects ?? known?.affects ?? null,
      states: { ...known?.states, [state]: at },
      detail:
        state === 'failed' ? (detail ?? null) : known?.states.failed ? known.detail : (detail ?? known?.detail ?? null),
    })
  }
  return [...facts.values()]
}
