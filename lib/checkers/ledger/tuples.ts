import { OutcomeCode, type KeyEntry, f64At, u32At, u8At } from '../../history/index.ts'
import { Batches } from './batches.ts'
import { ClosedPage, Fate, OpenPage, PAGE, State } from './pages.ts'
import { Fates } from './fates.ts'
import { blankFound, type Found } from './sight.ts'
import { answerOf, attemptAt, fateOf, pendingOf, resolve, type Attempt, type Pending } from './pending.ts'

/** Pages that may be open at once: 32 × 4096 tuples in some 4 MB. */
const MOST_OPEN = 32

/** Fates of all tuples so far. Memory grows with open ranges and exceptions, not with tuples. */
export class Tuples {
  readonly batches = new Batches()
  /** Distinct tuples sent. */
  sent = 0
  attempts = 0
  seen = 0
  readonly fates = new Fates()
  readonly #homes: Uint8Array
  readonly #open = new Map<number, OpenPage>()
  readonly #closed = new Map<number, ClosedPage>()
  readonly #many = new Map<number, Pending>()
  readonly #pending = new Map<number, Pending>()
  readonly #found = blankFound()
  readonly #fates = new Uint8Array(PAGE)
  #spare: OpenPage | undefined
  #sendPage: OpenPage | undefined
  #seePage: OpenPage | undefined

  constructor(keys: readonly KeyEntry[]) {
    this.#homes = Uint8Array.from(keys, ({ home }) => (home === 'west' ? 1 : 0))
  }

  /** True if this is the first attempt of the tuple. */
  send(
    seq: number,
    sentAt: number,
    value: number,
    key: number,
    keySeq: number,
    batch: number,
    dc: 0 | 1,
    send: number,
  ): boolean {
    this.attempts++
    this.batches.expect(batch)
    const index = Math.floor(seq / PAGE)
    let page = this.#sendPage
    if (page?.index !== index) {
      page = this.#open.get(index)
      if (!page) {
        const closed = this.#closed.get(index)
        if (closed)
          return this.#sendLate(closed, { dc, batch, sentAt, send, outcome: 0, doneAt: 0 }, seq, key, keySeq, value)
        page = this.#openPage(index)
      }
      this.#sendPage = page
    }
    const slot = seq - index * PAGE
    const state = u8At(page.state, slot)
    if (state & State.sent) {
      this.#again(page, slot, seq)
      this.#many.get(seq)?.attempts.push({ dc, batch, sentAt, send, outcome: 0, doneAt: 0 })
    } else {
      this.sent++
    }
    page.sentAt[slot] = sentAt
    page.value[slot] = value
    page.key[slot] = key
    page.keySeq[slot] = keySeq
    page.batch[slot] = batch
    page.send[slot] = send
    page.state[slot] =
      (u8At(page.state, slot) & (State.many | State.east | State.west)) | State.sent | (dc === 1 ? State.toWest : 0)
    return (state & State.sent) === 0
  }

  /** Notes that a tuple was seen and tells what is known of it. The answer is valid until the next call. */
  see(seq: number, dc: 0 | 1): Found {
    const found = this.#found
    const index = Math.floor(seq / PAGE)
    let page = this.#seePage
    if (page?.index !== index) {
      page = this.#open.get(index)
      if (!page) return this.#seeLate(seq, index, dc)
      this.#seePage = page
    }
    const slot = seq - index * PAGE
    const state = u8At(page.state, slot)
    found.sent = (state & State.sent) !== 0
    if (!found.sent) return found
    const bit = dc === 0 ? State.east : State.west
    found.repeated = (state & (State.east | State.west)) !== 0
    found.elsewhere = found.repeated && (state & bit) === 0
    if (!found.repeated) this.seen++
    page.state[slot] = state | bit
    found.key = u32At(page.key, slot)
    found.keySeq = u32At(page.keySeq, slot)
    found.value = f64At(page.value, slot)
    found.sentAt = f64At(page.sentAt, slot)
    found.send = u32At(page.send, slot)
    found.batch = u32At(page.batch, slot)
    found.givenUp = false
    if (state & State.many) fromAttempt(found, attemptAt(this.#many.get(seq), dc))
    return found
  }

  /** Ends the pass: what is open now stays open. */
  finish(): void {
    for (const page of [...this.#open.values()].sort((a, b) => a.index - b.index)) this.#close(page)
    this.#open.clear()
    for (const pending of this.#pending.values()) {
      resolve(pending, this.batches)
      this.fates.count(pending)
    }
    this.#pending.clear()
  }

  #openPage(index: number): OpenPage {
    if (this.#open.size >= MOST_OPEN) {
      let oldest: OpenPage | undefined
      for (const page of this.#open.values()) if (!oldest || page.index < oldest.index) oldest = page
      if (oldest) {
        this.#open.delete(oldest.index)
        this.#close(oldest)
        this.#spare = oldest
      }
    }
    const page = (this.#spare ?? new OpenPage()).reset(index)
    this.#spare = undefined
    this.#open.set(index, page)
    return page
  }

  /** A second attempt: from now on the tuple's attempts are kept one by one. */
  #again(page: OpenPage, slot: number, seq: number): void {
    if (u8At(page.state, slot) & State.many) return
    page.state[slot] = u8At(page.state, slot) | State.many
    this.#many.set(seq, pendingOf(page, slot, seq))
  }

  #close(page: OpenPage): void {
    if (this.#sendPage === page) this.#sendPage = undefined
    if (this.#seePage === page) this.#seePage = undefined
    const where = this.#whereOf(page)
    const { state, batch, key } = page
    const fates = this.#fates
    const first = page.index * PAGE
    for (let slot = 0; slot < PAGE; slot++) {
      const bits = u8At(state, slot)
      if ((bits & State.sent) === 0) {
        fates[slot] = Fate.unsent
        continue
      }
      const seen = bits & (State.east | State.west)
      const number = u32At(batch, slot)
      if (
        (bits & State.many) === 0 &&
        (seen === State.east || seen === State.west) &&
        this.batches.outcome(number) === OutcomeCode.acknowledged
      ) {
        this.batches.release(number)
        this.fates.acknowledged++
        const dc = seen === State.east ? 0 : 1
        fates[slot] = where[this.#home(u32At(key, slot))] === dc ? Fate.seen : dc === 0 ? Fate.seenEast : Fate.seenWest
        continue
      }
      fates[slot] = this.#closeSlowly(page, slot, first + slot, seen)
    }
    this.#closed.set(page.index, new ClosedPage(where, fates))
  }

  #closeSlowly(page: OpenPage, slot: number, seq: number, seen: number): number {
    const pending = this.#many.get(seq) ?? pendingOf(page, slot, seq)
    this.#many.delete(seq)
    pending.seen = seen
    const complete = resolve(pending, this.batches)
    if (complete && (seen !== 0 || answerOf(pending).refused)) {
      this.fates.count(pending)
      return fateOf(pending)
    }
    this.#pending.set(seq, pending)
    return Fate.pending
  }

  #sendLate(closed: ClosedPage, attempt: Attempt, seq: number, key: number, keySeq: number, value: number): boolean {
    const slot = seq % PAGE
    const fate = closed.fate(slot)
    if (fate === Fate.pending) {
      this.#pending.get(seq)?.attempts.push(attempt)
      return false
    }
    if (fate === Fate.unsent || fate === Fate.refused) {
      if (fate === Fate.refused) this.fates.refused--
      else this.sent++
      this.#pending.set(seq, { seq, key, keySeq, value, attempts: [attempt], seen: 0 })
      closed.setFate(slot, Fate.pending)
      return fate === Fate.unsent
    }
    this.batches.release(attempt.batch)
    return false
  }

  #seeLate(seq: number, index: number, dc: 0 | 1): Found {
    const found = this.#found
    const closed = this.#closed.get(index)
    const slot = seq - index * PAGE
    const fate = closed?.fate(slot) ?? Fate.unsent
    found.sent = fate !== Fate.unsent
    if (!closed || !found.sent) return found
    const bit = dc === 0 ? State.east : State.west
    const pending = this.#pending.get(seq)
    if (pending) {
      found.repeated = pending.seen !== 0
      found.elsewhere = found.repeated && (pending.seen & bit) === 0
      if (!found.repeated) this.seen++
      pending.seen |= bit
      found.key = pending.key
      found.keySeq = pending.keySeq
      found.value = pending.value
      const isResolved = resolve(pending, this.batches)
      fromAttempt(found, attemptAt(pending, dc))
      if (isResolved) {
        this.#pending.delete(seq)
        this.fates.count(pending)
        closed.setFate(slot, fateOf(pending))
      }
      return found
    }
    // Its record is gone from memory: all that is left to say is that it was seen before, and where.
    found.key = -1
    found.sentAt = Number.NaN
    if (fate === Fate.refused) {
      found.repeated = false
      found.elsewhere = false
      this.seen++
      this.fates.refused--
      closed.setFate(slot, dc === 0 ? Fate.seenEast : Fate.seenWest)
      this.fates.refusedSeen.add(() => Fates.lateFact(seq, dc, 'seen long after every data centre had refused it'))
      return found
    }
    found.repeated = true
    found.elsewhere = false
    return found
  }

  /** For a repeated tuple of a closed page: whether it had been seen only at the other data centre. */
  seenElsewhere(seq: number, key: number, dc: 0 | 1): boolean {
    const closed = this.#closed.get(Math.floor(seq / PAGE))
    const slot = seq % PAGE
    const fate = closed?.fate(slot)
    if (!closed || fate === undefined) return false
    const before = fate === Fate.seenEast ? 0 : fate === Fate.seenWest ? 1 : closed.where[this.#home(key)]
    if (fate === Fate.both || before === dc) return false
    closed.setFate(slot, Fate.both)
    this.fates.dual.add(() => Fates.lateFact(seq, dc, 'processed by both data centres'))
    return true
  }

  #home(key: number): 0 | 1 {
    return this.#homes[key] === 1 ? 1 : 0
  }

  /** Where most tuples of each home were seen in this page: the others are exceptions. */
  #whereOf(page: OpenPage): readonly [0 | 1, 0 | 1] {
    const counts = [0, 0, 0, 0]
    for (let slot = 0; slot < PAGE; slot += 8) {
      const bits = u8At(page.state, slot)
      const home = this.#home(u32At(page.key, slot)) * 2
      if (bits & State.east) counts[home] = (counts[home] ?? 0) + 1
      if (bits & State.west) counts[home + 1] = (counts[home + 1] ?? 0) + 1
    }
    const most = (home: 0 | 2): 0 | 1 => ((counts[home] ?? 0) >= (counts[home + 1] ?? 0) ? 0 : 1)
    return [most(0), most(2)]
  }
}

/** Send time as it was at the data centre that processed the tuple. */
function fromAttempt(found: Found, attempt: Attempt | undefined): void {
  if (!attempt) return
  found.sentAt = attempt.sentAt
  found.send = attempt.send
  found.batch = attempt.batch
  found.givenUp = attempt.outcome === OutcomeCode.indeterminate
}
