import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually, now, registerSecret } from '../core/index.ts'
import { formatWaiting, startLiveLine } from './live-line.ts'
import { openProgress, readProgress } from './progress.ts'

let runDirectory: string
beforeEach(() => {
  runDirectory = mkdtempSync(join(tmpdir(), 'failover-progress-'))
})
afterEach(() => rmSync(runDirectory, { recursive: true }))

describe('progress of a drill', () => {
  it('says what is awaited and what was seen last, until the wait is over', async () => {
    using progress = openProgress({ runDirectory, drill: 'a data centre is lost' })
    expect(readProgress(runDirectory)).toEqual([])
    const wait = progress.waiting('west to take over')
    expect(readProgress(runDirectory)).toMatchObject([
      { drill: 'a data centre is lost', waitingFor: 'west to take over' },
    ])
    await eventually(
      () => {
        wait('peer view up')
        const [shown] = readProgress(runDirectory)
        return Promise.resolve(
          shown?.seen === 'peer view up' ? { done: true, value: shown } : { done: false, seen: String(shown?.seen) },
        )
      },
      { within: '5s', every: '20ms', describe: 'the seen text to be written' },
    )
    wait[Symbol.dispose]()
    expect(readProgress(runDirectory)).toEqual([])
  })

  it('shows the newest wait; an older one neither writes nor clears any more', () => {
    using progress = openProgress({ runDirectory, drill: 'd' })
    const older = progress.waiting('one')
    progress.waiting('two')
    older('too late')
    older[Symbol.dispose]()
    expect(readProgress(runDirectory)).toMatchObject([{ waitingFor: 'two' }])
  })

  it('carries no secret', () => {
    registerSecret('canary-in-progress')
    using progress = openProgress({ runDirectory, drill: 'd' })
    progress.waiting('canary-in-progress to work')
    expect(readProgress(runDirectory)).toMatchObject([{ waitingFor: '[secret] to work' }])
  })

  it('of a process that is gone, or half written, is not shown', () => {
    using progress = openProgress({ runDirectory, drill: 'd' })
    progress.waiting('something')
    const waiting = { pid: 2 ** 22 + 1, drill: 'gone', since: now(), waitingFor: 'x' }
    writeFileSync(join(runDirectory, 'progress', 'gone.json'), JSON.stringify(waiting))
    writeFileSync(join(runDirectory, 'progress', 'half.json'), '{"pid":')
    expect(readProgress(runDirectory)).toMatchObject([{ drill: 'd' }])
  })

  it('never fails a drill', () => {
    writeFileSync(join(runDirectory, 'file'), '')
    using progress = openProgress({ runDirectory: join(runDirectory, 'file'), drill: 'd' })
    expect(() => progress.waiting('x')('seen')).not.toThrow()
    expect(readdirSync(runDirectory)).toEqual(['file'])
  })
})

describe('the live line', () => {
  it('says what, how long, and what is seen', () => {
    const waiting = { pid: 1, drill: 'crash', since: 1000, waitingFor: 'west to take over', seen: 'peer view\n up' }
    expect(formatWaiting(waiting, 13_340)).toBe('crash: waiting 12.34s for west to take over — peer view up')
  })

  it('is redrawn in place on a terminal, below what others print, and leaves nothing behind', async () => {
    const written: string[] = []
    const sink = { isTTY: true, columns: 60, write: (text: string) => written.push(text) > 0 }
    const errors = { write: (text: string) => written.push(`error ${text}`) > 0 }
    const stop = startLiveLine({ runDirectory: () => runDirectory, sink, others: [errors], everyMs: 5 })
    using progress = openProgress({ runDirectory, drill: 'crash' })
    progress.waiting(`a very long wait that does not fit the line ${'x'.repeat(60)}`)
    await eventually(
      () => Promise.resolve(written.length > 2 ? { done: true, value: 0 } : { done: false, seen: `${written.length}` }),
      { within: '5s', every: '5ms', describe: 'the line to be drawn' },
    )
    errors.write('somebody else\n')
    expect(written.at(-1)).toBe('error somebody else\n')
    expect(written.at(-2)).toBe('\x1b[1A\x1b[0J')
    stop()
    expect(sink.write('done')).toBe(true)
    const lines = written.filter((text) => text.startsWith('…'))
    expect(lines.length).toBeGreaterThan(0)
    expect(Math.max(...lines.map((line) => line.trimEnd().length))).toBeLessThan(60)
    expect(written.at(-1)).toBe('done')
  })

  it('is an occasional plain line elsewhere', async () => {
    const written: string[] = []
    const sink = { write: (text: string) => written.push(text) > 0 }
    const stop = startLiveLine({ runDirectory: () => runDirectory, sink, everyMs: 5 })
    using progress = openProgress({ runDirectory, drill: 'crash' })
    progress.waiting('something short')
    const directory = join(runDirectory, 'progress')
    const printed = (lines: number) =>
      eventually(
        () => {
          const seen = `${written.length} lines`
          return Promise.resolve(written.length >= lines ? { done: true, value: seen } : { done: false, seen })
        },
        { within: '5s', every: '5ms', describe: `${lines} plain lines` },
      )
    const old = { pid: process.pid, drill: 'long', since: now() - 11_000, waitingFor: 'a takeover' }
    writeFileSync(join(directory, 'old.json'), JSON.stringify(old))
    await printed(1)
    writeFileSync(join(directory, 'older.json'), JSON.stringify({ ...old, drill: 'longer', since: old.since - 1000 }))
    await printed(2)
    stop()
    expect(written).toEqual([
      expect.stringMatching(/^long: waiting 1\d\.\d\ds for a takeover\n$/),
      expect.stringMatching(/^longer: waiting 1\d\.\d\ds for a takeover\n$/),
    ])
  })
})
