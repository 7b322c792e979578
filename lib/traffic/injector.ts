import { now } from '../core/index.ts'
import type { SendLog } from '../history/index.ts'
import { RANK, type Batch } from './batch.ts'
import type { PreparedRow } from './generator.ts'
import type { HomeLoad, KeyLane } from './home-load.ts'
import { DCS, otherDc } from './keys.ts'
import type { Lane } from './lane.ts'
import { histogram } from './lateness.ts'
import { makeLoads, type Loads } from './loads.ts'
import { SLOT_MS, type Endpoints, type FromInjector, type InjectorSetup } from './messages.ts'
import { requestBody, tupleMaker, type Tuple } from './serialise.ts'
import { httpTarget, type HttpTarget } from './target.ts'
import type { DcName, Outcome } from './types.ts'

/** Witness tuples per home: one in this time. */
const WITNESS_EVERY_MS = 100
const ROWS_LOW = 2000
/** A missing endpoint is reported this often at most. */
const LOST_EVERY_MS = 200

/**
 * Sends tuples at the times that the schedule says, whatever the answers are. What cannot be sent on time because too many
 * requests are open is sent late, and given up when it is too late; both are counted.
 */
export class Injector {
  readonly #setup: InjectorSetup
  readonly #log: SendLog
  readonly #post: (message: FromInjector) => void
  readonly #targets: Partial<Record<DcName, HttpTarget>> = {}
  readonly #inFlight: Record<DcName, number> = { east: 0, west: 0 }
  readonly #lostAt: Record<DcName, number> = { east: -Infinity, west: -Infinity }
  readonly #loads: readonly HomeLoad[]
  readonly #witnesses: Loads['witnesses']
  readonly #allLanes: readonly Lane[]
  readonly #makeTuple: ReturnType<typeof tupleMaker>
  readonly #itemsMember: Readonly<Record<DcName, () => string>>
  /** Of the whole run, and since the last report. */
  readonly lateness = histogram()
  readonly recentLateness = histogram()
  #rows: PreparedRow[] = []
  #rowsEnded = false
  #rowsAsked = false
  #seq: number
  #batch: number
  #requests = 0
  #open = 0
  #startedAt = 0
  #witnessTick = 1
  #timer: NodeJS.Timeout | undefined
  #tick = 0
  #sending = false
  #pumpQueued = false
  #saturated = false
  #whenDrained: (() => void) | undefined

  constructor(setup: InjectorSetup, firstKey: number, log: SendLog, post: (message: FromInjector) => void) {
    this.#setup = setup
    this.#log = log
    this.#post = post
    this.#seq = setup.firstSeq
    this.#batch = setup.firstBatch
    this.#makeTuple = tupleMaker(setup.fields)
    this.#itemsMember = {
      east: () => this.#targets.east?.endpoint.items ?? 'items',
      west: () => this.#targets.west?.endpoint.items ?? 'items',
    }
    this.use(setup.endpoints)
    const target = (dc: DcName): HttpTarget | undefined => this.#targets[dc]
    const made = makeLoads(setup, firstKey, target, (redirect) => this.#post({ type: 'redirect', redirect }))
    this.#loads = made.loads
    this.#witnesses = made.witnesses
    this.#allLanes = made.lanes
  }

  /** Uses other endpoints from now on. */
  use(endpoints: Endpoints): void {
    for (const dc of DCS) {
      const endpoint = endpoints[dc]
      if (JSON.stringify(endpoint) === JSON.stringify(this.#targets[dc]?.endpoint)) continue
      if (endpoint) this.#targets[dc] = httpTarget(endpoint, this.#setup.requestTimeoutMs, 'application/json')
      else delete this.#targets[dc]
    }
  }

  /** Starts the schedule. Returns its zero. */
  start(): number {
    this.#startedAt = now()
    this.#sending = true
    this.#next()
    return this.#startedAt
  }

  feed(rows: readonly PreparedRow[], ended: boolean): void {
    this.#rows.push(...rows)
    this.#rowsEnded = ended
    this.#rowsAsked = false
    if (this.#sending) this.#pump()
  }

  failback(): void {
    for (const load of this.#loads) load.route.failback(now())
  }

  /** Ends sending; resolves when every batch has its outcome. */
  async stop(): Promise<{ nextSeq: number; nextBatch: number; requests: number }> {
    this.#sending = false
    clearTimeout(this.#timer)
    if (this.#open > 0) {
      const sweep = setInterval(() => this.expire(), 10)
      await new Promise<void>((resolve) => (this.#whenDrained = resolve))
      clearInterval(sweep)
    }
    await Promise.all(this.#allLanes.map((lane) => lane.destroy()))
    return { nextSeq: this.#seq, nextBatch: this.#batch, requests: this.#requests }
  }

  progress(): FromInjector {
    return {
      type: 'progress',
      at: now(),
      homes: Object.fromEntries(this.#loads.map((load) => [load.home, load.report()])),
      lateness: this.lateness.summary(),
      saturated: this.#saturated,
      requestsInFlight: this.#open,
    }
  }

  /** Ends what has had no answer in time. */
  expire(): void {
    const at = now()
    for (const lane of this.#allLanes) lane.expire(at)
  }

  /** Waits for the next tick: times come from the start, so that lateness does not add up. */
  #next(): void {
    const { batchEveryMs } = this.#setup
    this.#tick = Math.max(this.#tick + 1, Math.floor((now() - this.#startedAt) / batchEveryMs) + 1)
    const wait = this.#startedAt + this.#tick * batchEveryMs - now()
    // Timers have whole milliseconds and must not be early: what is due is counted by ticks.
    this.#timer = setTimeout(() => this.#onTick(), Math.max(0, Math.ceil(wait)))
  }

  #onTick(): void {
    if (!this.#sending) return
    this.expire()
    this.#pump()
    this.#witness()
    if (this.#setup.fed) this.#askForRows()
    if (this.#sending) this.#next()
  }

  /** Sends all that is due and has room. */
  #pump(): void {
    const at = now()
    const elapsed = at - this.#startedAt
    const { batchEveryMs, maxLatenessMs } = this.#setup
    const tick = Math.floor(elapsed / batchEveryMs + 1e-9)
    for (const load of this.#loads) {
      load.planned = load.plannedBy(tick * batchEveryMs)
      this.#send(load)
      if (load.due === 0) {
        load.nextTick = tick + 1
        continue
      }
      const overdue = load.plannedBy(elapsed - maxLatenessMs) - load.sent - load.shed
      if (overdue > 0) {
        load.shed += overdue
        this.#saturated = true
      }
      load.nextTick = Math.max(load.nextTick, Math.floor((elapsed - maxLatenessMs) / batchEveryMs))
    }
    if (this.#rowsEnded && this.#setup.fed && this.#rows.length === 0 && this.#sending) {
      this.#sending = false
      this.#post({ type: 'source-ended' })
    }
  }

  #send(load: HomeLoad): void {
    const { maxInFlight, maxBatch, batchEveryMs, fed } = this.#setup
    while (load.due > 0) {
      const targets = load.route.targets()
      if (targets.some((dc) => this.#inFlight[dc] >= maxInFlight)) return
      const lane = load.nextLane(targets)
      if (!lane) return
      const count = Math.min(load.due, maxBatch, fed ? this.#rows.length : Infinity)
      if (count === 0) return
      const late = Math.max(0, now() - this.#startedAt - load.nextTick * batchEveryMs)
      this.lateness.add(late)
      this.recentLateness.add(late)
      const batch = this.#makeBatch(load, lane, count, false)
      load.countSent(batch.slot, count)
      for (const dc of targets) this.#transmit(batch, dc, 1, batch.sentAt)
    }
  }

  #makeBatch(load: HomeLoad, lane: KeyLane, count: number, witness: boolean): Batch {
    const tuples: Tuple[] = []
    for (let index = 0; index < count; index++) {
      const key = lane.keys[lane.turn++ % lane.keys.length]
      if (!key) break
      tuples.push(this.#makeTuple(this.#seq++, key, key.next(witness ? undefined : this.#rows.shift())))
    }
    const sentAt = now()
    return {
      load,
      lane,
      tuples,
      order: ++lane.order,
      sentAt,
      slot: Math.floor(sentAt / SLOT_MS),
      epoch: load.route.epoch,
      witness,
      open: 0,
      best: 'refused',
    }
  }

  #transmit(batch: Batch, dc: DcName, attempt: number, sentAt: number): void {
    const id = this.#batch++
    for (const { seq, key, keySeq, value } of batch.tuples) {
      this.#log.send({ seq, key, keySeq, value, dc, batch: id, attempt, sentAt })
    }
    batch.open++
    batch.lane.sentTo[dc] = batch.order
    this.#open++
    this.#requests++
    this.#inFlight[dc]++
    batch.lane.http[dc].send(
      requestBody(this.#itemsMember[dc](), batch.tuples, sentAt),
      sentAt,
      ({ outcome, reason }) => {
        const doneAt = now()
        this.#log.outcome({ batch: id, dc, outcome, sentAt, doneAt, reason })
        this.#inFlight[dc]--
        this.#open--
        batch.open--
        if (RANK[outcome] > RANK[batch.best]) batch.best = outcome
        if (reason === 'http 404' || reason === 'no endpoint') this.#lostEndpoint(dc, doneAt)
        if (!batch.witness) this.#settled(batch, dc, attempt, outcome, reason, sentAt, doneAt)
        if (this.#open === 0) this.#whenDrained?.()
        else if (this.#sending && batch.load.due > 0) this.#queuePump()
      },
    )
  }

  #settled(
    batch: Batch,
    dc: DcName,
    attempt: number,
    outcome: Outcome,
    reason: string,
    sentAt: number,
    doneAt: number,
  ): void {
    const { load, lane, epoch } = batch
    load.route.settled({ dc, attempt, epoch, outcome, reason, sentAt, doneAt })
    const again = outcome === 'refused' || (this.#setup.resend && outcome === 'indeterminate')
    const other = otherDc(dc)
    // A batch that younger ones of its keys have overtaken at the other data centre would arrive out of order there.
    if (again && attempt === 1 && lane.sentTo[other] < batch.order && load.route.takesRetry(dc, doneAt)) {
      this.#transmit(batch, other, 2, now())
    } else if (batch.open === 0) {
      load.countOutcome(batch.slot, batch.tuples.length, batch.best)
    }
  }

  #queuePump(): void {
    if (this.#pumpQueued) return
    this.#pumpQueued = true
    queueMicrotask(() => {
      this.#pumpQueued = false
      if (this.#sending) this.#pump()
    })
  }

  #witness(): void {
    const elapsed = now() - this.#startedAt
    if (elapsed < this.#witnessTick * WITNESS_EVERY_MS) return
    this.#witnessTick = Math.floor(elapsed / WITNESS_EVERY_MS) + 1
    for (const { load, lane } of this.#witnesses) {
      const batch = this.#makeBatch(load, lane, 1, true)
      for (const dc of DCS) this.#transmit(batch, dc, 1, batch.sentAt)
    }
  }

  #lostEndpoint(dc: DcName, at: number): void {
    if (at - this.#lostAt[dc] < LOST_EVERY_MS) return
    this.#lostAt[dc] = at
    this.#post({ type: 'lost-endpoint', dc })
  }

  #askForRows(): void {
    if (this.#rowsAsked || this.#rowsEnded || this.#rows.length >= ROWS_LOW) return
    this.#rowsAsked = true
    this.#post({ type: 'need-rows' })
  }
}
