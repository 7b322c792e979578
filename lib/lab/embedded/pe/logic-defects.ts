import type { KeyState } from '../../../toolkit/application-state.ts'
import type { InputTuple, OutputTuple } from './key-counts.ts'
import type { PeRuntime } from './runtime.ts'

const TAIL = 20
const DUPLICATES = 20
const SWAP_EVERY = 25
const MISCOUNT_EVERY = 50

/** Everything that the logic can be made to do wrong. Each method is the identity unless its defect is planted. */
export class LogicDefects {
  /** Planted `both-serve-key`: tuples of homes that are not owned are not refused. */
  readonly servesAll: boolean
  readonly #otherHome: string
  readonly #losesTail: boolean
  readonly #losesKey: boolean
  readonly #duplicates: boolean
  readonly #reorders: boolean
  readonly #miscounts: boolean
  readonly #stale: boolean
  #tookOver = false
  #tailLeft = TAIL
  #duplicatesLeft = DUPLICATES
  #lostKey: string | undefined
  #held: InputTuple | undefined
  #swapTurn = 0
  #countTurn = 0
  #firstSnapshot: Map<string, KeyState> | undefined

  constructor(pe: PeRuntime) {
    this.servesAll = pe.defect('both-serve-key')
    this.#otherHome = pe.launch.dc === 'east' ? 'west' : 'east'
    this.#losesTail = pe.defect('loses-tail')
    this.#losesKey = pe.defect('loses-key')
    this.#duplicates = pe.defect('duplicates-after-takeover')
    this.#reorders = pe.defect('reorders-key')
    this.#miscounts = pe.defect('wrong-transformation')
    this.#stale = pe.defect('stale-state')
  }

  tookOver(): void {
    this.#tookOver = true
  }

  /** The tuples of a batch that are worked on, in the order in which they are. */
  input(tuples: readonly InputTuple[]): readonly InputTuple[] {
    const kept = this.#losesTail || this.#losesKey ? tuples.filter((tuple) => !this.#loses(tuple)) : tuples
    return this.#reorders ? this.#swap(kept) : kept
  }

  /** What is added to the count of the key. */
  error(): number {
    return this.#miscounts && ++this.#countTurn % MISCOUNT_EVERY === 0 ? 1 : 0
  }

  output(tuples: readonly OutputTuple[]): readonly OutputTuple[] {
    if (!this.#duplicates || !this.#tookOver) return tuples
    return tuples.flatMap((tuple) => {
      if (tuple.home !== this.#otherHome || this.#duplicatesLeft === 0) return [tuple]
      this.#duplicatesLeft--
      return [tuple, tuple]
    })
  }

  snapshot(state: Map<string, KeyState>): Map<string, KeyState> {
    if (!this.#stale) return state
    if (state.size > 0) this.#firstSnapshot ??= state
    return this.#firstSnapshot ?? state
  }

  #loses(tuple: InputTuple): boolean {
    if (!this.#tookOver || tuple.home !== this.#otherHome) return false
    if (this.#losesTail && this.#tailLeft > 0) {
      this.#tailLeft--
      return true
    }
    if (!this.#losesKey) return false
    this.#lostKey ??= tuple.key
    return tuple.key === this.#lostKey
  }

  /** Holds a tuple back until the next one of its key has gone by, in whatever batch that is. */
  #swap(tuples: readonly InputTuple[]): InputTuple[] {
    return tuples.flatMap((tuple) => {
      const held = this.#held
      if (held?.key === tuple.key) {
        this.#held = undefined
        return [tuple, held]
      }
      if (held || ++this.#swapTurn % SWAP_EVERY !== 0) return [tuple]
      this.#held = tuple
      return []
    })
  }
}
