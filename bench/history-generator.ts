import { seeded } from '../lib/core/index.ts'
import { openRecorder, type DcName } from '../lib/history/index.ts'

/** What was planted in a generated history. */
export interface Planted {
  readonly tuples: number
  readonly lost: number
  readonly repeated: number
  readonly reordered: number
}

const KEYS = 64
const PER_BATCH = 100
const PER_POLL = 10
const ORIGIN = 1_000_000

/**
 * Writes the history of a long drill through the real writers: 100 tuples a millisecond over 64 keys, acknowledged per batch,
 * read every 10 ms at both data centres; about one in a thousand is lost, one repeated, and one swapped with the next of its key.
 */
export async function generateHistory(directory: string, tuples: number): Promise<Planted> {
  const random = seeded(tuples)
  const planted = { tuples, lost: 0, repeated: 0, reordered: 0 }
  await using recorder = openRecorder(directory)
  recorder.event({
    type: 'drill-started',
    at: ORIGIN,
    origin: ORIGIN,
    wall: 0,
    run: 'bench',
    name: 'a long drill',
    file: 'bench',
    environment: 'bench',
    target: 'embedded',
    mode: 'active-active',
    roles: { victim: 'east', survivor: 'west' },
    objectives: { rpo: { tuples: 0 } },
    contract: { delivery: 'exactly-once', ordered: true },
    seed: random.seed,
  })
  const { sends, sights } = recorder.tuples
  sends.keys(
    Array.from({ length: KEYS }, (_, i) => ({
      key: `key-${i}`,
      home: i % 2 === 0 ? ('east' as const) : ('west' as const),
    })),
  )
  const counts = new Float64Array(KEYS)
  const sums = new Float64Array(KEYS)
  const keySeqs = new Float64Array(KEYS)
  const waiting: Record<DcName, Sight[]> = { east: [], west: [] }
  const swapped = new Map<number, Sight>()
  let seq = 0
  let batch = 0
  let at = ORIGIN
  for (let tick = 0; seq < tuples; tick++, at++) {
    for (const [side, dc] of (['east', 'west'] as const).entries()) {
      batch++
      const size = Math.min(PER_BATCH / 2, tuples - seq)
      for (let i = 0; i < size; i++) {
        const key = ((seq + i) % (KEYS / 2)) * 2 + side
        const value = random.integer(1, 9)
        const keySeq = (keySeqs[key] = (keySeqs[key] ?? 0) + 1)
        const count = (counts[key] = (counts[key] ?? 0) + 1)
        const sum = (sums[key] = (sums[key] ?? 0) + value)
        sends.send({ seq: seq + i, key, keySeq, value, dc, batch, attempt: 1, sentAt: at })
        const sight = { seq: seq + i, key, keySeq, value, count, sum, flags: 0 }
        const dice = random.next()
        const held = swapped.get(key)
        if (held) {
          waiting[dc].push(sight, held)
          swapped.delete(key)
          planted.reordered++
        } else if (dice < 0.001) {
          planted.lost++
        } else if (dice < 0.002 && seq + i + PER_BATCH * 2 < tuples) {
          swapped.set(key, sight)
        } else {
          waiting[dc].push(sight)
          if (dice > 0.999) {
            planted.repeated++
            waiting[dc].push(sight)
          }
        }
      }
      seq += size
      sends.outcome({ batch, dc, outcome: 'acknowledged', sentAt: at, doneAt: at + 0.9 })
      if (tick % PER_POLL === PER_POLL - 1) show(dc, at)
    }
  }
  for (let i = 0; i < 300; i++, at += PER_POLL) for (const dc of ['east', 'west'] as const) show(dc, at)
  recorder.event({ type: 'drill-ended', at, outcome: 'passed' })
  return { ...planted, lost: planted.lost + swapped.size }

  function show(dc: DcName, instant: number): void {
    sights.poll({
      dc,
      asked: instant + 0.95,
      answered: instant + 0.99,
      previousAsked: instant - PER_POLL + 0.95,
      overrun: 0,
    })
    for (const sight of waiting[dc]) sights.sight(sight)
    waiting[dc].length = 0
  }
}

interface Sight {
  readonly seq: number
  readonly key: number
  readonly keySeq: number
  readonly value: number
  readonly count: number
  readonly sum: number
  readonly flags: number
}
