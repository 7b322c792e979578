import { seeded, type Interval } from '../../core/index.ts'
import type {
  DcName,
  HistoryEventInput,
  KeyEntry,
  OutcomeRecord,
  PollRecord,
  SendRecord,
  SightRecord,
} from '../../history/index.ts'

/** A simulated drill, as lists that a test may change before they are written: the source of the property tests' histories. */
export interface World {
  readonly options: WorldOptions
  readonly victim: DcName
  readonly survivor: DcName
  readonly outage: Interval
  readonly recoveredBy: number
  readonly keys: KeyEntry[]
  events: HistoryEventInput[]
  sends: Sent[]
  polls: { readonly poll: PollRecord; sights: SightRecord[] }[]
}

/** A send or an outcome with the time at which it was written. */
export type Sent =
  { readonly at: number; readonly send: SendRecord } | { readonly at: number; readonly outcome: OutcomeRecord }

/** What a simulated drill is like. */
export interface WorldOptions {
  readonly seed: number
  readonly victim: DcName
  /** Tuples per second of both homes together. */
  readonly rate: number
  readonly keysPerHome: number
  readonly beforeMs: number
  readonly detectionMs: number
  readonly afterMs: number
  /** Age of the replicated state at the crash. */
  readonly stateAgeMs: number
  readonly pollEveryMs: number
  /** Whether the crash happens at all. */
  readonly crash: boolean
  readonly delivery: 'at-most-once' | 'at-least-once' | 'exactly-once'
}

interface Counter {
  count: number
  sum: number
}

interface Done {
  readonly at: number
  readonly sight: SightRecord
}

const BATCH_MS = 10
const ORIGIN = 5_000_000

/** A drill that goes as it should: the victim crashes, the survivor takes over, nothing that was acknowledged is lost. */
export function world(options: WorldOptions): World {
  const random = seeded(options.seed)
  const { victim } = options
  const survivor: DcName = victim === 'east' ? 'west' : 'east'
  const start = ORIGIN + 100
  const crash = options.crash ? start + options.beforeMs + random.next() * 20 : Number.POSITIVE_INFINITY
  const takeover = crash + options.detectionMs
  const redirect = takeover + 15
  const end = options.crash ? redirect + options.afterMs : start + options.beforeMs + options.afterMs
  const keys: KeyEntry[] = []
  for (const home of ['east', 'west'] as const) {
    for (let i = 0; i < options.keysPerHome; i++) keys.push({ key: `${home}-${i}`, home })
    keys.push({ key: `witness-${home}`, home, witness: true })
  }
  const done: Record<DcName, Done[]> = { east: [], west: [] }
  const sends: Sent[] = []
  const state: Record<DcName, Counter[]> = { east: keys.map(zero), west: keys.map(zero) }
  const snapshots: { at: number; counters: Counter[] }[] = []
  const keySeqs = keys.map(() => 0)
  let seq = 0
  let batch = 0
  let due = 0
  let adopted = false
  const send = (
    dc: DcName,
    record: Omit<SendRecord, 'dc' | 'batch' | 'attempt' | 'sentAt'>,
    at: number,
    refused: boolean,
  ) => {
    sends.push({ at, send: { ...record, dc, batch, attempt: 1, sentAt: at } })
    if (refused) return
    const counter = state[dc][record.key] ?? zero()
    counter.count++
    counter.sum += record.value
    const { seq: number, key, keySeq, value } = record
    const sight = { seq: number, key, keySeq, value, count: counter.count, sum: counter.sum, flags: 0 }
    done[dc].push({ at: at + 1 + random.next() * 2, sight })
  }
  for (let t = start; t < end; t += BATCH_MS) {
    if (!adopted && t >= redirect) {
      adopted = true
      const taken = snapshots.findLast(({ at }) => at <= crash - options.stateAgeMs)
      keys.forEach(({ home }, key) => {
        if (home === victim) state[survivor][key] = { ...(taken?.counters[key] ?? zero()) }
      })
    }
    if (t < crash) snapshots.push({ at: t, counters: state[victim].map((counter) => ({ ...counter })) })
    due += (options.rate * BATCH_MS) / 1000
    const tuples: Omit<SendRecord, 'dc' | 'batch' | 'attempt' | 'sentAt'>[] = []
    for (; due >= 1; due--) {
      let key = seq % keys.length
      if (keys[key]?.witness) key = (key + 1) % keys.length
      tuples.push({ seq: seq++, key, keySeq: (keySeqs[key] = (keySeqs[key] ?? 0) + 1), value: random.integer(1, 100) })
    }
    for (const home of ['east', 'west'] as const) {
      const own = tuples.filter(({ key }) => keys[key]?.home === home)
      const witnessKey = keys.findIndex((entry) => entry.witness && entry.home === home)
      const witness =
        Math.round((t - start) / BATCH_MS) % 10 === 0
          ? { seq: seq++, key: witnessKey, keySeq: (keySeqs[witnessKey] = (keySeqs[witnessKey] ?? 0) + 1), value: 1 }
          : undefined
      const owner = home === victim && t >= redirect ? survivor : home
      for (const dc of ['east', 'west'] as const) {
        const carried = [...(dc === owner ? own : []), ...(witness ? [witness] : [])]
        if (carried.length === 0) continue
        batch++
        const dead = dc === victim && t + 4 >= crash
        const refused = dc !== owner || (dead && t >= crash)
        // What was sent within the last moments before the crash gets no answer and is not processed.
        const indeterminate = dead && t < crash
        carried.forEach((tuple, i) => send(dc, tuple, t + i * 0.01, refused || indeterminate))
        const doneAt = t + 4 + random.next() * 2
        const outcome = indeterminate ? 'indeterminate' : refused ? 'refused' : 'acknowledged'
        sends.push({
          at: doneAt,
          outcome: { batch, dc, outcome, sentAt: t, doneAt, reason: refused ? 'not owned' : '' },
        })
      }
    }
  }
  const last = sends.findLast((one) => 'send' in one)?.at ?? end
  const polls = pollsOf(options, done, start - 20, last + 1300, victim, crash)
  const outage = options.crash ? { earliest: crash - 0.5, latest: crash + 0.5 } : { earliest: end, latest: end }
  return {
    options,
    victim,
    survivor,
    outage,
    recoveredBy: redirect + 40,
    keys,
    events: eventsOf(options, { crash, takeover, redirect, end: last + 1400, start, last }),
    sends: sends.sort((a, b) => a.at - b.at),
    polls,
  }
}

const zero = (): Counter => ({ count: 0, sum: 0 })

function pollsOf(
  { pollEveryMs }: WorldOptions,
  done: Record<DcName, Done[]>,
  from: number,
  to: number,
  victim: DcName,
  crash: number,
): World['polls'] {
  const polls: World['polls'] = []
  for (const dc of ['east', 'west'] as const) {
    let previousAsked = from
    let next = 0
    for (let asked = from; asked < to; asked += pollEveryMs) {
      // The victim's last results were read just before it died: what is left in its buffer would be lost.
      if (dc === victim && asked > crash + pollEveryMs) break
      const answered = asked + 2
      const sights: SightRecord[] = []
      for (; next < done[dc].length && (done[dc][next]?.at ?? 0) <= asked + 1; next++) {
        const one = done[dc][next]
        if (one) sights.push(one.sight)
      }
      polls.push({ poll: { dc, asked, answered, previousAsked, overrun: 0 }, sights })
      previousAsked = asked
    }
  }
  return polls.sort((a, b) => a.poll.answered - b.poll.answered)
}

interface Instants {
  readonly start: number
  readonly crash: number
  readonly takeover: number
  readonly redirect: number
  readonly last: number
  readonly end: number
}

const about = (instant: number, by = 1): Interval => ({ earliest: instant - by, latest: instant + by })

function eventsOf(
  options: WorldOptions,
  { start, crash, takeover, redirect, last, end }: Instants,
): HistoryEventInput[] {
  const { victim } = options
  const survivor: DcName = victim === 'east' ? 'west' : 'east'
  const events: HistoryEventInput[] = [
    {
      type: 'drill-started',
      at: ORIGIN,
      origin: ORIGIN,
      wall: 1_800_000_000_000,
      run: 'run',
      name: 'a simulated drill',
      file: 'simulated.spec.ts',
      environment: 'simulated',
      target: 'embedded',
      mode: 'active-active',
      roles: { victim, survivor },
      objectives: { rtoMs: options.detectionMs + 200, rpo: { tuples: 0, stateAgeMs: options.stateAgeMs + 400 } },
      contract: { delivery: options.delivery, ordered: true, settleMs: 1000, maxUnknown: 0, lateAfterMs: 500 },
      prediction: {
        detectionAfterCrash: { lowerMs: options.detectionMs - 100, upperMs: options.detectionMs + 100 },
        takeoverAfterCrash: { lowerMs: options.detectionMs - 100, upperMs: options.detectionMs + 150 },
        rto: { lowerMs: options.detectionMs - 100, upperMs: options.detectionMs + 300 },
        stateAge: { lowerMs: 0, upperMs: options.stateAgeMs + 400 },
        returnSeen: { lowerMs: 100, upperMs: 200 },
      },
      seed: options.seed,
    },
    { type: 'traffic', at: about(start), event: 'started', rate: options.rate },
    { type: 'pair', at: about(start + 5), state: 'normal', evidence: 'metrics' },
  ]
  if (options.crash) {
    const fault = { id: 'f1', kind: 'data-center-crash', target: victim, affects: victim }
    events.push(
      { type: 'fault', at: about(crash, 0.5), state: 'injected', ...fault },
      { type: 'outage', at: about(crash, 0.5), dc: victim, reason: 'power off', fault: 'f1' },
      { type: 'fault', at: about(crash + 3), state: 'confirmed', ...fault },
      {
        type: 'observation',
        at: about(takeover, 8),
        dc: survivor,
        subject: 'peer-view',
        value: 'down',
        evidence: 'metrics',
      },
      { type: 'pair', at: about(takeover, 8), state: 'peer-crashed', evidence: 'metrics' },
      { type: 'takeover', at: about(takeover + 9, 8), survivor, snapshots: 1, detection: about(takeover, 8) },
      { type: 'traffic', at: about(redirect), event: 'redirected', home: victim, from: victim, to: survivor },
      { type: 'fault', at: about(last + 200), state: 'healed', ...fault },
      { type: 'pair', at: about(last + 400), state: 'normal', evidence: 'metrics' },
    )
  }
  events.push(
    { type: 'traffic', at: about(end - 10), event: 'stopped' },
    { type: 'drill-ended', at: end, outcome: 'passed' },
  )
  return events
}
