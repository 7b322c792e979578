import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CorruptHistoryError } from './errors.ts'
import { groundTruth } from './ground-truth.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'failover-truth-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const LINES = [
  { at: 1000, event: 'site-up', dc: 'east' },
  { at: 1500, event: 'peer-view', dc: 'west', view: 'up' },
  { at: 1900, event: 'pe-exit', dc: 'east', pe: '7' },
  { at: 2001, event: 'power-off', dc: 'east', between: [1999.5, 2000.5] },
  { at: 2010, event: 'first-output', dc: 'west', home: 'west', seq: 40, sentAt: 2005 },
  { at: 2400, event: 'peer-view', dc: 'west', view: 'down' },
  { at: 2402, event: 'takeover-begin', dc: 'west' },
  { at: 2405, event: 'takeover-end', dc: 'west', snapshots: 1 },
  { at: 2409, event: 'first-output', dc: 'west', home: 'east', seq: 30, sentAt: 1998 },
  { at: 2412.25, event: 'first-output', dc: 'west', home: 'east', seq: 50, sentAt: 2404 },
  { at: 2413, event: 'first-output', dc: 'west', home: 'east', seq: 51, sentAt: 2405 },
  { at: 9000, event: 'peer-view', dc: 'west', view: 'down' },
]

const write = (lines: readonly object[]): string => {
  const file = join(directory, 'truth.jsonl')
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  return file
}

describe('groundTruth', () => {
  it('takes the first output of the work that was sent after the outage', () => {
    const file = write(LINES)
    appendFileSync(file, '{"at":95')
    expect(groundTruth(file, { dc: 'east', at: { earliest: 1999, latest: 2002 }, origin: 900 })).toEqual({
      outageMs: 1100,
      detectionMs: 1500,
      takeoverMs: 1505,
      firstOutputMs: 1512.25,
      rtoMs: 412.25,
    })
  })

  it('has no true time where the lab has no note of the outage', () => {
    const truth = groundTruth(write(LINES), { dc: 'west', at: { earliest: 3000, latest: 3001 }, origin: 900 })
    expect(truth).toEqual({ outageMs: null, detectionMs: null, takeoverMs: null, firstOutputMs: null, rtoMs: null })
  })

  it('looks no further than told', () => {
    const truth = groundTruth(write(LINES), {
      dc: 'east',
      at: { earliest: 1999, latest: 2002 },
      origin: 0,
      until: 2403,
    })
    expect(truth).toMatchObject({ detectionMs: 2400, takeoverMs: null, firstOutputMs: null, rtoMs: null })
  })

  it('names file and offset of a damaged line', () => {
    const file = write(LINES.slice(0, 1))
    appendFileSync(file, 'nonsense\n')
    expect(() => groundTruth(file, { dc: 'east', at: { earliest: 0, latest: 1 }, origin: 0 })).toThrow(
      CorruptHistoryError,
    )
  })
})
