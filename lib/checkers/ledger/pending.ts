import { f64At, OutcomeCode, u32At, u8At } from '../../history/index.ts'
import type { Batches } from './batches.ts'
import { Fate, State, type OpenPage } from './pages.ts'

/** One attempt to send a tuple. */
export interface Attempt {
  readonly dc: 0 | 1
  readonly batch: number
  readonly sentAt: number
  /** Number of the send record. */
  readonly send: number
  /** Outcome code, 0 while none is known. */
  outcome: number
  doneAt: number
}

/** A tuple that needs more than a slot: sent more than once, or without its fate when its page was closed. */
export interface Pending {
  readonly seq: number
  readonly key: number
  readonly keySeq: number
  readonly value: number
  readonly attempts: Attempt[]
  /** Bits of `State.east` and `State.west`. */
  seen: number
}

/** What its attempts say about a tuple, leaving out what was seen. */
export interface Answer {
  /** The first attempt that was acknowledged. */
  readonly acknowledged: Attempt | undefined
  readonly refused: boolean
}

/** Asks for the outcomes that are still open. */
export function resolve(pending: Pending, batches: Batches): boolean {
  let open = false
  for (const attempt of pending.attempts) {
    if (attempt.outcome !== 0) continue
    const outcome = batches.outcome(attempt.batch)
    if (outcome === 0) {
      open = true
      continue
    }
    attempt.outcome = outcome
    attempt.doneAt = batches.doneAt(attempt.batch)
    batches.release(attempt.batch)
  }
  return !open
}

/** What the attempts say together: acknowledged by one, refused by all, or neither. */
export function answerOf(pending: Pending): Answer {
  return {
    acknowledged: pending.attempts.find(({ outcome }) => outcome === OutcomeCode.acknowledged),
    refused: pending.attempts.every(({ outcome }) => outcome === OutcomeCode.refused),
  }
}

/** A tuple out of its slot in an open page, with the latest attempt. */
export function pendingOf(page: OpenPage, slot: number, seq: number): Pending {
  return {
    seq,
    key: u32At(page.key, slot),
    keySeq: u32At(page.keySeq, slot),
    value: f64At(page.value, slot),
    attempts: [
      {
        dc: u8At(page.state, slot) & State.toWest ? 1 : 0,
        batch: u32At(page.batch, slot),
        sentAt: f64At(page.sentAt, slot),
        send: u32At(page.send, slot),
        outcome: 0,
        doneAt: 0,
      },
    ],
    seen: 0,
  }
}

/** The latest attempt at a data centre; if there was none, the latest of all. */
export function attemptAt(pending: Pending | undefined, dc: 0 | 1): Attempt | undefined {
  return pending?.attempts.findLast((one) => one.dc === dc) ?? pending?.attempts.at(-1)
}

/** What a closed page remembers of a tuple whose fate is settled. */
export function fateOf(pending: Pending): number {
  if (pending.seen === 0) return Fate.refused
  if (pending.seen === (State.east | State.west)) return Fate.both
  return pending.seen === State.east ? Fate.seenEast : Fate.seenWest
}
