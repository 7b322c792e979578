import { describe, expect, it } from 'vitest'
import { SLOT_MS } from './messages.ts'
import { Steadiness } from './steadiness.ts'

const PER_SLOT = 5
const planned = (_home: string, from: number, to: number): number => ((to - from) / SLOT_MS) * PER_SLOT

function fill(
  steadiness: Steadiness,
  from: number,
  to: number,
  more: Partial<{ sent: number; acknowledged: number; failed: number; seen: number }> = {},
): void {
  for (let slot = from; slot < to; slot++) {
    for (const home of ['east', 'west'] as const) {
      const sent = more.sent ?? PER_SLOT
      steadiness.sent(home, slot, { sent, acknowledged: more.acknowledged ?? sent, failed: more.failed ?? 0 })
      steadiness.seen(home, slot, more.seen ?? more.acknowledged ?? sent)
    }
  }
}

function ask(steadiness: Steadiness, since: number, known: number): ReturnType<Steadiness['find']> {
  return steadiness.find({
    since: since * SLOT_MS,
    forMs: 10 * SLOT_MS,
    known: known * SLOT_MS,
    settleMs: 500,
    planned,
  })
}

describe('steadiness', () => {
  it('is found in the first stretch that is long enough', () => {
    const steadiness = new Steadiness(['east', 'west'])
    fill(steadiness, 100, 130)
    expect(ask(steadiness, 105, 130)).toEqual({
      steady: true,
      at: { earliest: 105 * SLOT_MS, latest: 115 * SLOT_MS },
      tuples: 2 * 10 * PER_SLOT,
    })
  })

  it('does not count what was before the question, nor what is not over', () => {
    const steadiness = new Steadiness(['east', 'west'])
    fill(steadiness, 100, 130)
    expect(ask(steadiness, 121, 130)).toMatchObject({ steady: false, forMs: 9 * SLOT_MS })
    expect(ask(steadiness, 105, 114)).toMatchObject({ steady: false })
  })

  it('begins anew after a failure', () => {
    const steadiness = new Steadiness(['east', 'west'])
    fill(steadiness, 100, 130)
    steadiness.sent('west', 108, { sent: 5, acknowledged: 4, failed: 1 })
    expect(ask(steadiness, 105, 118)).toMatchObject({
      steady: false,
      missing: '1 tuples of west were not acknowledged',
    })
    expect(ask(steadiness, 105, 119)).toMatchObject({ steady: true, at: { earliest: 109 * SLOT_MS } })
  })

  it('waits for what is on its way, but not for what has been missing for long', () => {
    const steadiness = new Steadiness(['east', 'west'])
    fill(steadiness, 100, 140)
    steadiness.seen('east', 106, 4)
    expect(ask(steadiness, 105, 116)).toMatchObject({
      steady: false,
      missing: '1 acknowledged tuples of east were not seen',
    })
    expect(ask(steadiness, 105, 140)).toMatchObject({ steady: true, at: { earliest: 107 * SLOT_MS } })
  })

  it('needs nine tenths of the planned tuples', () => {
    const steadiness = new Steadiness(['east', 'west'])
    fill(steadiness, 100, 140, { sent: 3 })
    expect(ask(steadiness, 105, 140)).toMatchObject({
      steady: false,
      missing: expect.stringContaining('only 30 of 50'),
    })
  })

  it('is not there where nothing was sent', () => {
    expect(ask(new Steadiness(['east']), 100, 200)).toMatchObject({ steady: false })
  })
})
