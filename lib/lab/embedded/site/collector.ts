import { OperatorMemory } from '../pe/counters.ts'
import type { OperatorMetrics } from '../protocol.ts'
import type { Pe } from './pe.ts'

/** The metrics of a PE as they were last collected. */
export interface Sample {
  readonly operators: readonly OperatorMetrics[]
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** How long a round waits for a PE that does not answer, as a stopped one. */
const PATIENCE_MS = 50

/**
 * Collects the metrics of all PEs at a fixed period, as the metrics service of a real instance does. A round becomes visible as
 * a whole. A reader who is answered while no round is under way knows that every later round samples later: so readers wait for
 * a round that is.
 */
export class Collector {
  /** Time of the last complete round, in milliseconds since the epoch; rises strictly. 0: none yet. */
  lastTimeRetrieved = 0
  /** Counts complete rounds. */
  rounds = 0
  readonly #pes: () => Iterable<Pe>
  readonly #samples = new Map<string, Sample>()
  /** What each process has said so far: an answer tells only what changed, and counts even when it comes late. */
  readonly #memory = new Map<string, OperatorMemory>()
  readonly #silent = new Set<string>()
  #round:
    | { readonly id: number; readonly at: number; readonly waiting: Set<string>; readonly got: Map<string, Sample> }
    | undefined
  #next = 1
  #deadline: NodeJS.Timeout | undefined
  #waiters: (() => void)[] = []

  constructor(pes: () => Iterable<Pe>, everyMs: number) {
    this.#pes = pes
    setInterval(() => this.#collect(), everyMs).unref()
  }

  sample(peId: string): Sample | undefined {
    return this.#samples.get(peId)
  }

  /** Resolves when no round is under way. */
  settled(): Promise<void> | undefined {
    return this.#round ? new Promise((resolve) => this.#waiters.push(resolve)) : undefined
  }

  /** A PE answered. */
  take(pe: Pe, id: number, changed: readonly OperatorMetrics[]): void {
    const peId = pe.stored.id
    const memory = this.#memory.get(peId) ?? new OperatorMemory()
    this.#memory.set(peId, memory)
    const operators = memory.update(changed)
    this.#silent.delete(peId)
    const round = this.#round
    if (round?.id !== id || !round.waiting.delete(peId)) return
    round.got.set(peId, { operators, at: round.at })
    if (round.waiting.size === 0) this.#publish()
  }

  /** A PE's process ended or began: its counters are no more. */
  forget(peId: string): void {
    this.#samples.delete(peId)
    this.#memory.delete(peId)
    this.#silent.delete(peId)
    const round = this.#round
    round?.got.delete(peId)
    if (round?.waiting.delete(peId) && round.waiting.size === 0) this.#publish()
  }

  #collect(): void {
    if (this.#round) return
    const id = this.#next++
    const asked = [...this.#pes()].filter((pe) => !this.#silent.has(pe.stored.id) && pe.collect(id))
    const at = Math.max(this.lastTimeRetrieved + 1, Date.now())
    this.#round = { id, at, waiting: new Set(asked.map((pe) => pe.stored.id)), got: new Map() }
    if (asked.length === 0) this.#publish()
    else this.#deadline = setTimeout(() => this.#publish(), PATIENCE_MS)
  }

  #publish(): void {
    clearTimeout(this.#deadline)
    const round = this.#round
    if (!round) return
    for (const peId of round.waiting) this.#silent.add(peId)
    for (const [peId, sample] of round.got) this.#samples.set(peId, sample)
    this.#round = undefined
    this.lastTimeRetrieved = round.at
    this.rounds++
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }
}
