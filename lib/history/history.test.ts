import { fork } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bundleProgram } from '../bundle/index.ts'
import { eventually, Secret } from '../core/index.ts'
import {
  CorruptHistoryError,
  f64At,
  HistoryError,
  Kind,
  openRecorder,
  openTupleLog,
  RecordStream,
  readHistory,
  u32At,
  u8At,
  type HistoryEventInput,
  type SendRecord,
} from './index.ts'

let directory: string
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'failover-history-')), 'drill')
})
afterEach(() => rmSync(join(directory, '..'), { recursive: true }))

const START: HistoryEventInput = {
  type: 'drill-started',
  at: 1000,
  origin: 1000,
  wall: 0,
  run: 'r',
  name: 'n',
  file: 'f',
  environment: 'e',
  target: 'embedded',
  mode: 'active-active',
  roles: { victim: 'east', survivor: 'west' },
  objectives: {},
  contract: { delivery: 'at-most-once', ordered: true },
  seed: 1,
}
const PHASE: HistoryEventInput = { type: 'phase', at: 1001.5, phase: 'before' }

describe('recorder', () => {
  it('writes events that are read back in order, with defaults filled in', async () => {
    await using recorder = openRecorder(directory)
    recorder.event(START)
    recorder.event(PHASE)
    const { start, events, tailBytes } = readHistory(directory)
    expect(start.contract).toEqual({ delivery: 'at-most-once', ordered: true, settleMs: 1000, maxUnknown: 0 })
    expect(events.slice(1)).toEqual([PHASE])
    expect(tailBytes).toBe(0)
    expect(statSync(directory).mode & 0o77).toBe(0)
  })

  it('refuses malformed events and events after its end', async () => {
    const recorder = openRecorder(directory)
    expect(() => recorder.event({ ...PHASE, at: Number.NaN })).toThrow(HistoryError)
    const backwards: HistoryEventInput = { type: 'tap', at: { earliest: 2, latest: 1 }, dc: 'east', event: 'up' }
    expect(() => recorder.event(backwards)).toThrow(/tap.*malformed/s)
    await recorder[Symbol.asyncDispose]()
    await recorder[Symbol.asyncDispose]()
    expect(() => recorder.event(PHASE)).toThrow(/closed/)
  })

  it('keeps secrets out of the file', async () => {
    new Secret('correct horse battery')
    await using recorder = openRecorder(directory)
    recorder.event(START)
    recorder.event({ type: 'interrupted', at: 1, reason: 'login with correct horse battery failed' })
    expect(readFileSync(join(directory, 'history.jsonl'), 'utf8')).not.toContain('horse')
  })

  it('goes on after the last complete line of a record that was cut off', async () => {
    {
      await using recorder = openRecorder(directory)
      recorder.event(START)
      recorder.tuples.sends.keys([{ key: 'a', home: 'east' }])
    }
    appendFileSync(join(directory, 'history.jsonl'), '{"type":"ph')
    appendFileSync(join(directory, 'tuples.names.jsonl'), '{"type":"ke')
    appendFileSync(join(directory, 'tuples.sends'), 'half')
    expect(readHistory(directory).tailBytes).toBe(11)
    await using recorder = openRecorder(directory)
    recorder.event(PHASE)
    expect(recorder.tuples.sends.keys([{ key: 'b', home: 'west' }])).toBe(1)
    recorder.tuples.sends.send(send(1))
    recorder.tuples.flush()
    const history = readHistory(directory)
    expect(history.events).toHaveLength(2)
    expect(history.tailBytes).toBe(0)
    using tuples = history.openTuples()
    expect(tuples.names.keys.map(({ key }) => key)).toEqual(['a', 'b'])
    expect(tuples.sends).toMatchObject({ total: 1, tailBytes: 0 })
  })

  it('names file and offset of a damaged line', async () => {
    {
      await using recorder = openRecorder(directory)
      recorder.event(START)
    }
    const file = join(directory, 'history.jsonl')
    const { size } = statSync(file)
    appendFileSync(file, '{"type":"unheard-of"}\n')
    const error = thrownBy(() => readHistory(directory))
    expect(error).toBeInstanceOf(CorruptHistoryError)
    expect(error).toMatchObject({ file, offset: size, code: 'FAILOVER_HISTORY_CORRUPT' })
  })

  it('loses nothing that was flushed when its process is killed', async () => {
    const program = await bundleProgram(join(import.meta.dirname, 'testing/killed-writer.test.main.ts'))
    const child = fork(program, [directory], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const killed = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    await eventually(
      async () => {
        const count = readHistory(directory).events.length
        return count > 200 ? { done: true, value: count } : { done: false, seen: `${count} events` }
      },
      { within: '20s', every: '5ms', describe: 'a few hundred events' },
    )
    child.kill('SIGKILL')
    await killed
    const { events } = readHistory(directory)
    const numbers = events.slice(1).map((event) => (event.type === 'phase' ? event.phase : ''))
    expect(numbers).toEqual(numbers.map((_, i) => String(i)))
    expect(events.length).toBeGreaterThan(200)
    using tuples = readHistory(directory).openTuples()
    expect(tuples.sends.total).toBeGreaterThanOrEqual(events.length - 2)
    while (tuples.sends.advance()) continue
  }, 30_000)
})

describe('tuple log', () => {
  it('gives back what was written', () => {
    const record = fc.record({
      seq: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      key: fc.nat({ max: 0xffffffff }),
      keySeq: fc.nat({ max: 0xffffffff }),
      value: fc.integer({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
      dc: fc.constantFrom('east' as const, 'west' as const),
      batch: fc.nat({ max: 0xffffffff }),
      attempt: fc.integer({ min: 1, max: 255 }),
      sentAt: fc.double({ noNaN: true, noDefaultInfinity: true }),
    })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 40 }), fc.integer({ min: 40, max: 400 }), (records, bufferBytes) => {
        const into = mkdtempSync(join(directory, '..', 'log-'))
        const log = openTupleLog(into, { bufferBytes })
        for (const one of records) log.sends.send(one)
        log.sends.flush()
        log.close()
        using stream = sendsOf(into)
        const read: SendRecord[] = []
        while (stream.advance()) for (let i = 0; i < stream.length; i++) read.push(sendAt(stream, i))
        expect(read).toEqual(records)
      }),
      { numRuns: 50 },
    )
  })

  it('reads files that span many chunks', () => {
    const log = openTupleLog(directory)
    const count = 20_000
    for (let seq = 0; seq < count; seq++) log.sends.send(send(seq))
    log.close()
    using stream = sendsOf(directory)
    let next = 0
    while (stream.advance()) {
      for (let i = 0; i < stream.length; i++)
        expect(stream.base + i).toBe(f64At(stream.views.f64, i * 5) === next ? next++ : -1)
    }
    expect(next).toBe(count)
  })

  it('stores a reason once', () => {
    const log = openTupleLog(directory)
    const outcome = { dc: 'east', outcome: 'refused', sentAt: 1, doneAt: 2 } as const
    for (let batch = 0; batch < 10; batch++) log.sends.outcome({ ...outcome, batch, reason: batch % 2 ? 'a' : 'b' })
    log.close()
    expect(readFileSync(join(directory, 'tuples.names.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2)
  })

  it('wants a poll before the first sight, and nothing after its end', () => {
    const log = openTupleLog(directory)
    const sight = { seq: 1, key: 0, keySeq: 1, value: 1, count: 1, sum: 1, flags: 0 }
    expect(() => log.sights.sight(sight)).toThrow(/poll before/)
    log.close()
    log.close()
    expect(() => log.sends).toThrow(/closed/)
  })

  it('leaves out part of a record at the end, and tells', () => {
    const log = openTupleLog(directory)
    for (let seq = 0; seq < 5; seq++) log.sends.send(send(seq))
    log.close()
    truncateSync(join(directory, 'tuples.sends'), 40 * 6 - 7)
    using stream = sendsOf(directory)
    expect(stream).toMatchObject({ total: 4, tailBytes: 33 })
  })

  it.each([
    { what: 'another file', offset: 0, spoil: (bytes: Buffer) => bytes.write('PNG', 0) },
    { what: 'a newer version', offset: 24, spoil: (bytes: Buffer) => bytes.writeUInt32LE(9, 24) },
    { what: 'a hole of zeros', offset: 80, spoil: (bytes: Buffer) => bytes.fill(0, 80, 120) },
    { what: 'a flipped bit', offset: 120, spoil: (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(125) ^ 4, 125) },
  ])('refuses $what, naming file and offset', ({ offset, spoil }) => {
    const log = openTupleLog(directory)
    for (let seq = 0; seq < 5; seq++) log.sends.send(send(seq))
    log.close()
    const file = join(directory, 'tuples.sends')
    const bytes = readFileSync(file)
    spoil(bytes)
    writeFileSync(file, bytes)
    const error = thrownBy(() => {
      using stream = sendsOf(directory)
      while (stream.advance()) continue
    })
    expect(error).toBeInstanceOf(CorruptHistoryError)
    expect(error).toMatchObject({ file, offset })
  })

  it('is written by two threads, one per half', async () => {
    const program = await bundleProgram(join(import.meta.dirname, 'testing/writer-thread.test.main.ts'))
    const halves = ['sends', 'sights'].map(
      (half) =>
        new Promise<void>((resolve, reject) => {
          const worker = new Worker(program, { workerData: { directory, half } })
          worker.once('error', reject)
          worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))))
        }),
    )
    await Promise.all(halves)
    using stream = sendsOf(directory)
    using sights = new RecordStream(join(directory, 'tuples.sights'), Kind.sightsHeader, [Kind.poll, Kind.sight])
    expect([stream.total, sights.total]).toEqual([1000, 1001])
  })
})

const send = (seq: number): SendRecord => ({
  seq,
  key: 0,
  keySeq: seq,
  value: 1,
  dc: 'west',
  batch: 1,
  attempt: 1,
  sentAt: seq,
})

const sendsOf = (into: string): RecordStream =>
  new RecordStream(join(into, 'tuples.sends'), Kind.sendsHeader, [Kind.send, Kind.outcome])

function sendAt({ views: { f64, u32, u8 } }: RecordStream, i: number): SendRecord {
  return {
    seq: f64At(f64, i * 5),
    sentAt: f64At(f64, i * 5 + 1),
    value: f64At(f64, i * 5 + 2),
    key: u32At(u32, i * 10 + 6),
    keySeq: u32At(u32, i * 10 + 7),
    batch: u32At(u32, i * 10 + 8),
    dc: u8At(u8, i * 40 + 37) === 1 ? 'west' : 'east',
    attempt: u8At(u8, i * 40 + 38),
  }
}

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}
