import { describe, expect, it } from 'vitest'
import { eventually, now } from '../../../core/index.ts'
import { encodeApplicationState } from '../../../toolkit/application-state.ts'
import { heartbeatMessage } from '../../../toolkit/wire.ts'
import type { Address, DcName, PeKind } from '../protocol.ts'
import { LOGIC_PORTS } from './logic.ts'
import { toJson } from './messages.ts'
import { freeAddresses, PeBench, type LaunchedPe, type TupleClient } from './pe-bench.ts'

const KINDS = ['ingest', 'logic', 'sink'] as const

interface Line {
  readonly bench: PeBench
  readonly at: Record<(typeof KINDS)[number], Address>
  readonly pes: Record<(typeof KINDS)[number], LaunchedPe>
  readonly inject: TupleClient
  readonly tap: TupleClient
  readonly launch: (kind: PeKind) => LaunchedPe
}

/** Ingest, logic and sink of east, ready, with a client at both ends. */
async function line(
  bench: PeBench,
  parameters: Record<string, string> = {},
  defects: readonly string[] = [],
): Promise<Line> {
  const at = await freeAddresses(KINDS)
  const launch = (kind: PeKind): LaunchedPe => bench.launch('east', kind, at, { parameters, defects })
  const pes = { ingest: launch('ingest'), logic: launch('logic'), sink: launch('sink') }
  await Promise.all(KINDS.map((kind) => pes[kind].ready()))
  return { bench, at, pes, inject: await bench.client(at.ingest), tap: await bench.client(at.sink), launch }
}

let nextSeq = 1
function tuples(count: number, key = 'k', home: DcName = 'east'): Record<string, unknown>[] {
  return Array.from({ length: count }, () => {
    const seq = nextSeq++
    return { seq, key, home, keySeq: seq, sentAt: now(), value: 2, payload: 'p', checksum: 0 }
  })
}

async function tapped(tap: TupleClient, count: number): Promise<Record<string, unknown>[]> {
  const seen: Record<string, unknown>[] = []
  await eventually(
    async () => {
      const { id, items } = await tap.read()
      seen.push(...(items as Record<string, unknown>[]))
      tap.taken(id)
      return seen.length >= count ? { done: true, value: true } : { done: false, seen: `${seen.length} tuples` }
    },
    { within: '10s', every: '5ms', describe: `${count} tuples at the sink` },
  )
  return seen
}

describe('the line of processing elements', () => {
  it('counts and sums per key, and acknowledges a batch when a reader has it', async () => {
    await using bench = await PeBench.open()
    const { inject, tap, pes } = await line(bench)
    const answer = inject.batch('Ingest', [...tuples(2, 'a'), ...tuples(1, 'b'), ...tuples(1, 'a')])
    const seen = await tapped(tap, 4)
    expect(await answer).toMatchObject({ type: 'ack' })
    expect(seen.map(({ key, count, sum, dc }) => [key, count, sum, dc])).toEqual([
      ['a', 1, 2, 'east'],
      ['a', 2, 4, 'east'],
      ['b', 1, 2, 'east'],
      ['a', 3, 6, 'east'],
    ])
    expect(await pes.ingest.count('Ingest', 'out')).toBe(4)
    expect(await pes.logic.count('Logic', 'in')).toBe(4)
    expect(await pes.logic.count('Logic', 'out')).toBe(4)
    expect(await pes.sink.count('Results', 'in')).toBe(4)
    const events = (await bench.truth()).map(({ event, seq, home }) => ({ event, seq, home }))
    expect(events[0]).toMatchObject({ event: 'owns', home: ['east'] })
    expect(events.slice(1)).toEqual(seen.map(({ seq, home }) => ({ event: 'first-output', seq, home })))
  })

  it('does not acknowledge what no reader has taken, and is in doubt when the reader goes', async () => {
    await using bench = await PeBench.open()
    const { inject, tap, at } = await line(bench)
    let settled = false
    const answer = inject.batch('Ingest', tuples(1)).finally(() => (settled = true))
    await eventually(
      async () => {
        const { items } = await tap.read()
        return items.length === 1 ? { done: true, value: 1 } : { done: false, seen: 'nothing' }
      },
      { within: '5s', every: '5ms', describe: 'the tuple' },
    )
    // Another batch that goes all the way round shows that the first could have been answered by now.
    const other = await bench.client(at.sink)
    const second = inject.batch('Ingest', tuples(1))
    await tapped(other, 1)
    await second
    expect(settled).toBe(false)
    tap.close()
    expect(await answer).toMatchObject({ type: 'nack', reason: 'in-doubt' })
  })

  it.each(['processed', 'received'])('acknowledges at once with acknowledge=%s', async (acknowledge) => {
    await using bench = await PeBench.open()
    const { inject } = await line(bench, { acknowledge })
    expect(await inject.batch('Ingest', tuples(3))).toMatchObject({ type: 'ack' })
  })

  it('refuses a whole batch with work of the other home', async () => {
    await using bench = await PeBench.open()
    const { inject, tap } = await line(bench)
    const refused = await inject.batch('Ingest', [...tuples(1, 'a'), ...tuples(1, 'w', 'west')])
    expect(refused).toMatchObject({ type: 'nack', reason: 'not-owned', message: expect.stringContaining('west') })
    const answer = inject.batch('Ingest', tuples(1, 'a'))
    expect(await tapped(tap, 1)).toMatchObject([{ key: 'a', count: 1 }])
    await answer
  })

  it('drops the oldest tuples of a full sink, counts them, and leaves their batch in doubt', async () => {
    await using bench = await PeBench.open()
    const { inject, tap, pes } = await line(bench, { bufferSize: '10' })
    const first = inject.batch('Ingest', tuples(8))
    const second = inject.batch('Ingest', tuples(8))
    const overrun = await eventually(
      async () => {
        const count = await pes.sink.count('Results', 'in')
        return count === 16 ? { done: true, value: await tap.read() } : { done: false, seen: `${count}` }
      },
      { within: '5s', every: '5ms', describe: 'both batches at the sink' },
    )
    expect([overrun.value.items.length, overrun.value.dropped]).toEqual([10, 6])
    tap.taken(overrun.value.id)
    expect(await first).toMatchObject({ type: 'nack', reason: 'in-doubt' })
    expect(await second).toMatchObject({ type: 'ack' })
  })

  it('lets every reader see a tuple without consuming reads', async () => {
    await using bench = await PeBench.open()
    const { inject, tap, at } = await line(bench, { consumingReads: 'false', acknowledge: 'processed' })
    await inject.batch('Ingest', tuples(3))
    const first = await tap.read(2)
    expect([first.items.length, first.next]).toEqual([2, 2])
    expect((await tap.read(9, first.next)).items).toHaveLength(1)
    expect((await (await bench.client(at.sink)).read()).items).toHaveLength(3)
  })

  it('keeps batches waiting while the logic is stopped, and goes on where it was', async () => {
    await using bench = await PeBench.open()
    const { inject, tap, pes } = await line(bench)
    pes.logic.process.kill('SIGSTOP')
    const answers = [inject.batch('Ingest', tuples(1)), inject.batch('Ingest', tuples(1))]
    await eventually(
      async () => {
        const count = await pes.ingest.count('Ingest', 'out')
        return count === 2 ? { done: true, value: count } : { done: false, seen: `${count}` }
      },
      { within: '5s', every: '5ms', describe: 'both batches at ingest' },
    )
    expect((await tap.read()).items).toEqual([])
    pes.logic.process.kill('SIGCONT')
    expect((await tapped(tap, 2)).map(({ count }) => count)).toEqual([1, 2])
    expect((await Promise.all(answers)).map(({ type }) => type)).toEqual(['ack', 'ack'])
  })

  it('is in doubt about what a killed logic had, and hands later batches to the next one', async () => {
    await using bench = await PeBench.open()
    const { inject, tap, pes, launch } = await line(bench)
    pes.logic.process.kill('SIGSTOP')
    const lost = inject.batch('Ingest', tuples(1))
    await eventually(
      async () =>
        (await pes.ingest.count('Ingest', 'out')) === 1 ? { done: true, value: 1 } : { done: false, seen: '0' },
      { within: '5s', every: '5ms', describe: 'the batch at ingest' },
    )
    pes.logic.process.kill('SIGKILL')
    expect(await lost).toMatchObject({ type: 'nack', reason: 'in-doubt' })
    const waiting = inject.batch('Ingest', tuples(1))
    const again = launch('logic')
    await again.ready()
    expect(await tapped(tap, 1)).toMatchObject([{ count: 1 }])
    expect(await waiting).toMatchObject({ type: 'ack' })
    expect(pes.ingest.messages.map((message) => message.type)).toEqual(['ready', 'connections', 'connections'])
    expect(await again.count('Logic', 'in'), 'counters begin anew').toBe(1)
  })

  it('passes tens of thousands of tuples a second', async () => {
    await using bench = await PeBench.open()
    const { inject } = await line(bench, { acknowledge: 'processed', bufferSize: '1000' })
    const begin = now()
    const batches = Array.from({ length: 200 }, () => inject.batch('Ingest', tuples(100)))
    await Promise.all(batches)
    const rate = (200 * 100 * 1000) / (now() - begin)
    console.log(`${Math.round(rate)} tuples/s`)
    expect(rate).toBeGreaterThan(5000)
  })

  it('dies with its supervisor and its site, and not of a Ctrl-C', async () => {
    await using bench = await PeBench.open()
    const { pes } = await line(bench)
    pes.sink.process.kill('SIGINT')
    expect(await pes.sink.count('Results', 'in')).toBe(0)
    pes.ingest.process.disconnect()
    await pes.ingest.exited()
    bench.endLife()
    await Promise.all([pes.logic.exited(), pes.sink.exited()])
  })

  it('ends in order when told to', async () => {
    await using bench = await PeBench.open()
    const { pes } = await line(bench)
    pes.sink.process.send({ type: 'stop' })
    expect(await pes.sink.exited()).toEqual({ code: 0, signal: null })
  })
})

describe('planted defects of the line', () => {
  it('acks-and-drops acknowledges every 50th batch and drops it', async () => {
    await using bench = await PeBench.open()
    const { inject, pes } = await line(bench, { acknowledge: 'processed' }, ['acks-and-drops'])
    const answers = await Promise.all(Array.from({ length: 100 }, () => inject.batch('Ingest', tuples(1))))
    expect(answers.every(({ type }) => type === 'ack')).toBe(true)
    expect(await pes.sink.count('Results', 'in')).toBe(98)
    expect(pes.ingest.traces()).toContain('acks-and-drops')
    expect(pes.logic.traces()).toBe('')
  })

  it('reorders-key swaps neighbours of one key', async () => {
    await using bench = await PeBench.open()
    const { inject, tap } = await line(bench, { acknowledge: 'processed' }, ['reorders-key'])
    const sent = tuples(60)
    for (const tuple of sent) await inject.batch('Ingest', [tuple])
    const seen = (await tapped(tap, 60)).map(({ seq }) => seq)
    expect(seen).not.toEqual(sent.map(({ seq }) => seq))
    expect(seen.toSorted()).toEqual(sent.map(({ seq }) => seq).toSorted())
  })

  it.each([
    ['wrong-transformation', (seen: Record<string, unknown>[]) => seen.at(-1)?.['count'] !== seen.length],
    ['corrupts-payload', (seen: Record<string, unknown>[]) => seen.some(({ payload }) => payload !== 'p')],
  ])('%s shows', async (defect, shows) => {
    await using bench = await PeBench.open()
    const { inject, tap } = await line(bench, { acknowledge: 'processed' }, [defect])
    await inject.batch('Ingest', tuples(100))
    expect(shows(await tapped(tap, 100))).toBe(true)
  })

  it('both-serve-key refuses nothing', async () => {
    await using bench = await PeBench.open()
    const { inject } = await line(bench, { acknowledge: 'processed' }, ['both-serve-key'])
    expect(await inject.batch('Ingest', tuples(1, 'w', 'west'))).toMatchObject({ type: 'ack' })
  })

  /** East has taken west's work over, with a state of 40 tuples of the key `w1`. */
  async function afterTakeover(bench: PeBench, defect: string): Promise<Line & { readonly crossDc: TupleClient }> {
    const east = await line(bench, { acknowledge: 'processed' }, [defect])
    const crossDc = await bench.client(east.at.logic)
    const dataSnapshot = encodeApplicationState(new Map([['w1', { home: 'west', count: 40, sum: 80, lastSeq: 1 }]]))
    const piece = heartbeatMessage({ heartbeatMsgType: 2, dataCenterOrigin: 'west', dataSnapshot })
    await crossDc.batch('Logic', [toJson(piece)], LOGIC_PORTS.processDataFromRemoteDC)
    await crossDc.batch('Logic', [{ activeOrInactive: false }], LOGIC_PORTS.remoteDataCenterStatus)
    return { ...east, crossDc }
  }

  it.each<[string, number, (seen: readonly Record<string, unknown>[]) => unknown, unknown]>([
    ['none', 60, (seen) => seen[0]?.['count'], 41],
    ['loses-tail', 40, (seen) => seen[0]?.['count'], 41],
    ['loses-key', 30, (seen) => new Set(seen.map(({ key }) => key)), new Set(['w2'])],
    ['duplicates-after-takeover', 80, (seen) => new Set(seen.map(({ seq }) => seq)).size, 60],
  ])('after a takeover %s lets %i tuples of 60 out', async (defect, count, shows, expected) => {
    await using bench = await PeBench.open()
    const { inject, tap, pes } = await afterTakeover(bench, defect)
    for (let i = 0; i < 30; i++) {
      const answer = await inject.batch('Ingest', [...tuples(1, 'w1', 'west'), ...tuples(1, 'w2', 'west')])
      expect(answer).toMatchObject({ type: 'ack' })
    }
    const seen = await tapped(tap, count)
    expect(await pes.sink.count('Results', 'in')).toBe(count)
    expect(shows(seen)).toEqual(expected)
    expect(pes.logic.traces().includes('A defect is planted')).toBe(defect !== 'none')
  })

  it('stale-state answers with the first snapshot for ever, the honest logic with the state of now', async () => {
    for (const [defect, expected] of [
      ['none', [1, 2]],
      ['stale-state', [1, 1]],
    ] as const) {
      await using bench = await PeBench.open()
      const { inject, at } = await line(bench, { acknowledge: 'processed' }, [defect])
      const crossDc = await bench.client(at.logic)
      const sizes: number[] = []
      for (const key of ['a', 'b']) {
        await inject.batch('Ingest', tuples(1, key))
        const signal = heartbeatMessage({ heartbeatMsgType: 2, heartbeatCnt: 4n, dataCenterOrigin: 'east' })
        await crossDc.batch('Logic', [toJson(signal)], LOGIC_PORTS.dataSnapshotSignal)
        const taken = (await bench.truth()).filter(({ event }) => event === 'snapshot-taken')
        sizes.push(Number(taken.at(-1)?.['keys']))
      }
      expect(sizes).toEqual(expected)
    }
  })
})
