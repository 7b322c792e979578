import { now } from '../core/index.ts'
import { SightFlag, type SightLog } from '../history/tuple-log.ts'
import { DCS } from './keys.ts'
import { SLOT_MS, type Endpoints, type FromTaps, type TapsSetup } from './messages.ts'
import { seenSet, type SeenSet } from './seen-set.ts'
import { sightReader, type KnownKey, type Sighting } from './sight-reader.ts'
import { Tap } from './tap.ts'
import type { DcName } from './types.ts'

/** What is known of the tuples of one home. */
interface HomeSeen {
  seen: number
  readonly slots: Map<number, number>
}

/** The taps of both data centres, and what they have shown between them. */
export class Taps {
  readonly #taps: Readonly<Record<DcName, Tap>>
  readonly #keys = new Map<string, KnownKey>()
  readonly #seenOf = new Map<number, { readonly home: DcName; readonly set: SeenSet }>()
  readonly #homes: Readonly<Record<DcName, HomeSeen>> = {
    east: { seen: 0, slots: new Map() },
    west: { seen: 0, slots: new Map() },
  }
  readonly #changed: Readonly<Record<DcName, Set<number>>> = { east: new Set(), west: new Set() }
  #lastNew = now()

  constructor(setup: TapsSetup, log: SightLog, post: (message: FromTaps) => void) {
    const read = sightReader(setup.fields, setup.results, this.#keys)
    const { everyMs, timeoutMs, maxItems } = setup
    const onSight = (sighting: Sighting): void => this.#saw(sighting)
    const tap = (dc: DcName): Tap => new Tap({ dc, log, everyMs, timeoutMs, maxItems, read, onSight, post })
    this.#taps = { east: tap('east'), west: tap('west') }
    this.know(setup.keys)
    this.use(setup.endpoints)
  }

  use(endpoints: Endpoints): void {
    for (const dc of DCS) this.#taps[dc].use(endpoints[dc])
  }

  /** Adds keys; those of the run itself are counted. */
  know(keys: TapsSetup['keys']): void {
    for (const { entry, index, current } of keys) {
      this.#keys.set(entry.key, { entry, index })
      if (current && entry.witness !== true) this.#seenOf.set(index, { home: entry.home, set: seenSet() })
    }
  }

  /** The schedule begins: what the buffers drop from now on may be ours. */
  begin(): void {
    for (const dc of DCS) this.#taps[dc].live = true
  }

  /** Reads both taps until {@link stop}. */
  async run(onFirst: () => void): Promise<void> {
    let waiting = DCS.length
    const first = (): void => {
      if (--waiting === 0) onFirst()
    }
    await Promise.all(DCS.map((dc) => this.#taps[dc].run(first)))
  }

  stop(): void {
    for (const dc of DCS) this.#taps[dc].stop()
  }

  progress(): FromTaps {
    return {
      type: 'progress',
      at: now(),
      taps: { east: this.#taps.east.stats(), west: this.#taps.west.stats() },
      seen: { east: this.#homes.east.seen, west: this.#homes.west.seen },
      slots: { east: this.#slots('east'), west: this.#slots('west') },
      lastNew: this.#lastNew,
    }
  }

  #saw({ key, keySeq, sentAt, flags }: Sighting): void {
    const known = this.#seenOf.get(key)
    // A corrupted tuple has arrived all the same; what is wrong with it is for the checkers.
    if (!known || (flags & ~SightFlag.corrupt) !== 0 || !known.set.add(keySeq)) return
    const home = this.#homes[known.home]
    home.seen++
    this.#lastNew = now()
    const slot = Math.floor(sentAt / SLOT_MS)
    home.slots.set(slot, (home.slots.get(slot) ?? 0) + 1)
    this.#changed[known.home].add(slot)
  }

  #slots(home: DcName): { slot: number; seen: number }[] {
    const { slots } = this.#homes[home]
    const changed = [...this.#changed[home]].map((slot) => ({ slot, seen: slots.get(slot) ?? 0 }))
    this.#changed[home].clear()
    // Only recent slots still change; the counts that were reported are kept by the reader.
    if (slots.size > KEPT_SLOTS * 2) {
      const newest = Math.max(...slots.keys())
      for (const slot of slots.keys()) if (slot < newest - KEPT_SLOTS) slots.delete(slot)
    }
    return changed
  }
}

const KEPT_SLOTS = 60_000 / SLOT_MS
