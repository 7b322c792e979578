import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CorruptHistoryError, findingsText, HistoryError, readHistory, writeFindings } from '../history/index.ts'
import { analyse, judge } from './analyse.ts'
import { analysisOf, contextOf } from './analysis.ts'
import { defineChecker } from './define-checker.ts'
import { recheck } from './recheck.ts'
import { startOf } from './testing/planting.ts'
import { findingsOf, withWorld } from './testing/write-world.ts'
import { world, type WorldOptions } from './testing/world.ts'

const OPTIONS: WorldOptions = {
  seed: 7,
  victim: 'east',
  rate: 300,
  keysPerHome: 4,
  beforeMs: 1400,
  detectionMs: 400,
  afterMs: 900,
  stateAgeMs: 300,
  pollEveryMs: 10,
  crash: true,
  delivery: 'at-most-once',
}

const clean = () => world(OPTIONS)

describe('analyse', () => {
  it('gives plain JSON that survives a round trip', async () => {
    const findings = await findingsOf(clean())
    expect(JSON.parse(JSON.stringify(findings))).toEqual(findings)
  })

  it('rechecks to the same bytes, and names what differs', async () => {
    await withWorld(clean(), async (directory) => {
      await expect(recheck(directory)).rejects.toThrow(/drill\.json is missing/)
      writeFindings(directory, await analyse(directory))
      expect(await recheck(directory)).toMatchObject({ identical: true, differences: [] })
      const file = join(directory, 'drill.json')
      writeFileSync(file, readFileSync(file, 'utf8').replace('"lostTuples": 0', '"lostTuples": 3'))
      expect(await recheck(directory)).toMatchObject({
        identical: false,
        differences: ['rpo.lostTuples: 3 stored, 0 now'],
      })
    })
  })

  it('takes a drill that is still running as it is, if told so', async () => {
    const drill = clean()
    drill.events = drill.events.filter(({ type }) => type !== 'drill-ended')
    await withWorld(drill, async (directory) => {
      expect((await analyse(directory)).verdict).toBe('inconclusive')
      expect((await analyse(directory, { running: true })).verdict).toBe('pass')
    })
  })

  it('tolerates what a killed writer left half-written, and says so', async () => {
    for (const file of ['history.jsonl', 'tuples.sends', 'tuples.sights']) {
      await withWorld(clean(), async (directory) => {
        appendFileSync(join(directory, file), '{"type":"pa')
        const findings = await analyse(directory)
        expect(findings.verdict).toBe('inconclusive')
        expect(findings.gates.find(({ name }) => name === 'whole-record')).toMatchObject({ verdict: 'inconclusive' })
      })
    }
  })

  it('refuses a damaged tuple log, naming file and offset', async () => {
    await withWorld(clean(), async (directory) => {
      const file = join(directory, 'tuples.sights')
      const bytes = readFileSync(file)
      bytes[40 * 100 + 3] = (bytes[40 * 100 + 3] ?? 0) ^ 0xff
      writeFileSync(file, bytes)
      const error: unknown = await analyse(directory).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(CorruptHistoryError)
      expect(error).toMatchObject({ file, offset: 4000 })
    })
  })

  it('says that there is no record', async () => {
    await withWorld(clean(), async (directory) => {
      rmSync(join(directory, 'history.jsonl'))
      await expect(analyse(directory)).rejects.toThrow(HistoryError)
    })
  })

  it('is inconclusive without any tuple log', async () => {
    await withWorld(clean(), async (directory) => {
      for (const file of ['tuples.sends', 'tuples.sights', 'tuples.names.jsonl']) rmSync(join(directory, file))
      const { verdict, findings } = await analyse(directory)
      expect(verdict).toBe('inconclusive')
      const passed = findings.filter((one) => one.verdict === 'pass').map(({ name }) => name)
      // What the monitor saw needs no tuples.
      expect(passed).toEqual(['takeover', 'stuck-split-brain', 'reconvergence', 'prediction'])
    })
  })
})

describe('expectations', () => {
  const expecting = (check: string, verdict: 'pass' | 'fail' | 'inconclusive') => {
    const drill = clean()
    drill.events.splice(1, 0, {
      type: 'expectation',
      at: startOf(drill).at,
      check,
      verdict,
      because: 'the network was cut',
    })
    return drill
  }

  it('leave the finding alone and count when they come true', async () => {
    const drill = expecting('split-brain', 'fail')
    const { latest } = drill.outage
    drill.events.splice(4, 0, { type: 'pair', at: { earliest: latest, latest }, state: 'split-brain' })
    const { verdict, findings } = await findingsOf(drill)
    expect(findings.find(({ name }) => name === 'split-brain')).toMatchObject({
      verdict: 'fail',
      expectation: { verdict: 'fail', because: 'the network was cut', met: true },
    })
    expect(verdict).toBe('pass')
  })

  it('fail the drill when they do not', async () => {
    const { verdict, findings } = await findingsOf(expecting('takeover', 'fail'))
    expect(findings.find(({ name }) => name === 'takeover')).toMatchObject({
      verdict: 'pass',
      expectation: { met: false },
    })
    expect(verdict).toBe('fail')
  })

  it('leave the drill open while the check is', async () => {
    const drill = expecting('rto', 'fail')
    drill.polls = []
    const { findings } = await findingsOf(drill)
    expect(findings.find(({ name }) => name === 'rto')).toMatchObject({ expectation: { met: null } })
  })
})

describe('defineChecker', () => {
  it('makes a check that throws inconclusive', async () => {
    const broken = defineChecker({
      name: 'broken',
      describe: 'It throws.',
      check: () => {
        throw new Error('no such thing')
      },
    })
    await withWorld(clean(), async (directory) => {
      const analysis = await analysisOf(readHistory(directory))
      expect(broken.check(analysis, contextOf(analysis))).toMatchObject({
        name: 'broken',
        verdict: 'inconclusive',
        applies: true,
        detail: { error: 'no such thing' },
      })
      expect(findingsText(judge(analysis))).toBe(findingsText(judge(analysis)))
    })
  })

  it('does not let a check pass that did not apply', async () => {
    const odd = defineChecker({
      name: 'odd',
      describe: 'It passes what it does not judge.',
      check: () => ({ verdict: 'pass', applies: false, summary: 'Nothing.' }),
    })
    await withWorld(clean(), async (directory) => {
      const analysis = await analysisOf(readHistory(directory))
      expect(odd.check(analysis, contextOf(analysis)).verdict).toBe('inconclusive')
    })
  })
})

describe('loss', () => {
  it('names the lost tuple with the place of its record', async () => {
    const drill = clean()
    const poll = drill.polls.find(({ sights }) => sights.length > 0)
    const gone = poll?.sights.shift()
    const { findings, rpo } = await findingsOf(drill)
    const [evidence] = findings.find(({ name }) => name === 'lost')?.evidence ?? []
    expect(evidence).toMatchObject({ seq: gone?.seq, file: 'tuples.sends' })
    expect(evidence?.offset).toBeGreaterThan(0)
    expect(rpo).toMatchObject({ lostTuples: 1, unknownTuples: 0 })
    expect(rpo?.lostSeconds).toBeGreaterThan(0)
    expect(rpo?.lostSeconds).toBeLessThan(0.1)
  })

  it('does not count tuples in flight at the end', async () => {
    const drill = clean()
    const last = drill.polls.at(-1)?.poll.asked ?? 0
    drill.polls = drill.polls.filter(({ poll }) => poll.asked < last - 1300)
    const { findings, rpo } = await findingsOf(drill)
    expect(rpo?.lostTuples).toBe(0)
    expect(rpo?.unknownTuples).toBeGreaterThan(0)
    expect(findings.find(({ name }) => name === 'lost')?.verdict).toBe('inconclusive')
  })

  it('does not count what was never acknowledged', async () => {
    const drill = clean()
    const refused = new Map(
      drill.sends.flatMap((one) => ('outcome' in one ? [[one.outcome.batch, one.outcome.outcome] as const] : [])),
    )
    const indeterminate = drill.sends.filter((one) => 'send' in one && refused.get(one.send.batch) === 'indeterminate')
    const { rpo } = await findingsOf(drill)
    expect(rpo?.lostTuples).toBe(0)
    expect(rpo?.indeterminateTuples).toBeLessThanOrEqual(indeterminate.length)
  })
})
