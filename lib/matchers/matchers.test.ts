import { beforeAll, describe, expect, it } from 'vitest'
import { ConfigurationError, messageOf, type Verdict } from '../core/index.ts'
import { DELIVERY_MATCHERS } from './delivery.ts'
import { InconclusiveError } from './errors.ts'
import { installMatchers } from './install.ts'
import { PAIR_MATCHERS } from './pair.ts'
import { sampleDrill, sampleFinding, sampleFindings, sampleRto, sampleTakeover, WEAK_GATE } from './sample.ts'

beforeAll(installMatchers)

/** What an assertion comes to. */
async function outcome(assertion: () => Promise<void> | void): Promise<{ verdict: Verdict; message: string }> {
  try {
    await assertion()
    return { verdict: 'pass', message: '' }
  } catch (error) {
    return { verdict: error instanceof InconclusiveError ? 'inconclusive' : 'fail', message: messageOf(error) }
  }
}

describe('toMeetRto', () => {
  const drill = sampleDrill(sampleFindings())

  it('passes if the upper bound is within the objective', async () => {
    await expect(drill).toMeetRto()
    await expect(drill).toMeetRto('447ms')
    const { verdict, message } = await outcome(() => expect(drill).not.toMeetRto())
    expect(verdict).toBe('fail')
    expect(message).toMatchInlineSnapshot(`
      "expect(drill).not.toMeetRto()

      a data centre is lost: expected that it took longer than 3s, but the service was back within 3s.

      Objective:  3s (the drill's objective)
      Observed:   412–447ms from the outage of east (power off) to the first output of its work at west
      Margin:     2.55s at worst, 2.59s at best
      Stages:     detection 380–395ms, takeover 396–410ms, first output 412–447ms, steady 700–760ms (since the outage)
      Slow stage: detection, about 388ms (90%)
      Files:      .failover/runs/r1/d1"
    `)
  })

  it('fails if the lower bound is beyond it', async () => {
    await expect(drill).not.toMeetRto('411ms')
    const { verdict, message } = await outcome(() => expect(drill).toMeetRto('411ms'))
    expect(verdict).toBe('fail')
    expect(message).toMatchInlineSnapshot(`
      "expect(drill).toMeetRto('411ms')

      a data centre is lost: expected that the service was back within 411ms, but it took longer than 411ms.

      Objective:  411ms (given by the spec)
      Observed:   412–447ms from the outage of east (power off) to the first output of its work at west
      Margin:     -36ms at worst, -1ms at best
      Stages:     detection 380–395ms, takeover 396–410ms, first output 412–447ms, steady 700–760ms (since the outage)
      Slow stage: detection, about 388ms (90%)
      Files:      .failover/runs/r1/d1"
    `)
  })

  it('cannot tell in between, with and without .not', async () => {
    const plain = await outcome(() => expect(drill).toMeetRto('430ms'))
    const negated = await outcome(() => expect(drill).not.toMeetRto('430ms'))
    expect([plain.verdict, negated.verdict]).toEqual(['inconclusive', 'inconclusive'])
    expect(plain.message).toMatchInlineSnapshot(`
      "expect(drill).toMeetRto('430ms')

      a data centre is lost: cannot tell whether the service was back within 430ms; unknown is not a pass.

      Objective:  430ms (given by the spec)
      Observed:   412–447ms from the outage of east (power off) to the first output of its work at west
      Margin:     -17ms at worst, 18ms at best
      Stages:     detection 380–395ms, takeover 396–410ms, first output 412–447ms, steady 700–760ms (since the outage)
      Slow stage: detection, about 388ms (90%)
      Remedy:     The recovery is known only to 31ms: send and poll more often.
      Files:      .failover/runs/r1/d1"
    `)
    expect(negated.message).toMatchInlineSnapshot(`
      "expect(drill).not.toMeetRto('430ms')

      a data centre is lost: cannot tell whether it took longer than 430ms; unknown is not a pass.

      Objective:  430ms (given by the spec)
      Observed:   412–447ms from the outage of east (power off) to the first output of its work at west
      Margin:     -17ms at worst, 18ms at best
      Stages:     detection 380–395ms, takeover 396–410ms, first output 412–447ms, steady 700–760ms (since the outage)
      Slow stage: detection, about 388ms (90%)
      Remedy:     The recovery is known only to 31ms: send and poll more often.
      Files:      .failover/runs/r1/d1"
    `)
  })

  it('cannot tell where a gate is not met, but a miss stays a miss', async () => {
    const weak = sampleDrill(sampleFindings({ gates: [WEAK_GATE] }))
    const { verdict, message } = await outcome(() => expect(weak).toMeetRto())
    expect(verdict).toBe('inconclusive')
    expect(message).toMatchInlineSnapshot(`
      "expect(drill).toMeetRto()

      a data centre is lost: cannot tell whether the service was back within 3s; unknown is not a pass.

      Objective:   3s (the drill's objective)
      Observed:    412–447ms from the outage of east (power off) to the first output of its work at west
      Margin:      2.55s at worst, 2.59s at best
      Stages:      detection 380–395ms, takeover 396–410ms, first output 412–447ms, steady 700–760ms (since the outage)
      Slow stage:  detection, about 388ms (90%)
      Weakened by: saturation: the generator was 80ms late
      Remedy:      What was measured is clear; see to what weakens it.
      Files:       .failover/runs/r1/d1"
    `)
    expect((await outcome(() => expect(weak).toMeetRto('100ms'))).verdict).toBe('fail')
    expect((await outcome(() => expect(weak).not.toMeetRto('100ms'))).verdict).toBe('inconclusive')
  })

  it('fails without a recovery once more time has passed than agreed, and cannot tell before', async () => {
    const none = sampleRto({ span: null, recovery: null, recoveredAt: null, notBeforeMs: 5000 })
    const lost = sampleDrill(sampleFindings({ rto: none }))
    const { verdict, message } = await outcome(() => expect(lost).toMeetRto('4s'))
    expect(verdict).toBe('fail')
    expect(message).toMatchInlineSnapshot(`
      "expect(drill).toMeetRto('4s')

      a data centre is lost: expected that the service was back within 4s, but it took longer than 4s.

      Objective: 4s (given by the spec)
      Observed:  outage of east (power off): no recovery was seen, for at least 5.00s
      Stages:    detection 380–395ms, takeover 396–410ms, first output 412–447ms, steady 700–760ms (since the outage)
      Files:     .failover/runs/r1/d1"
    `)
    expect((await outcome(() => expect(lost).toMeetRto('6s'))).verdict).toBe('inconclusive')
    expect((await outcome(() => expect(lost).not.toMeetRto('6s'))).verdict).toBe('inconclusive')
  })

  it('cannot tell without a recovery where the taps were blind', async () => {
    const rto = sampleRto({ span: null, recovery: null, recoveredAt: null, notBeforeMs: 5000 })
    const gates = [{ ...WEAK_GATE, name: 'taps' }]
    const blind = sampleDrill(sampleFindings({ rto, gates }))
    expect((await outcome(() => expect(blind).toMeetRto('4s'))).verdict).toBe('inconclusive')
  })

  it('cannot tell where nothing broke', async () => {
    const calm = sampleDrill(sampleFindings({ rto: null }))
    expect(await outcome(() => expect(calm).toMeetRto())).toMatchObject({ verdict: 'inconclusive' })
  })

  it('refuses to judge without an objective, or with one that is none', async () => {
    const bare = sampleDrill(sampleFindings(), { environment: { objectives: {} } })
    await expect(expect(bare).toMeetRto()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigurationError: There is no RTO objective. Give the environment \`objectives: { rto: '30s' }\`, or write toMeetRto('30s').]`,
    )
    await expect(expect(drill).toMeetRto('30' as '30s')).rejects.toThrow(ConfigurationError)
  })

  it('leaves a note on the test where it does not hold', async () => {
    const notes: [string, string][] = []
    const annotate = async (message: string, type: string): Promise<void> => void notes.push([type, message])
    const noted = sampleDrill(sampleFindings(), { annotate })
    await expect(noted).toMeetRto()
    expect(notes).toEqual([])
    await outcome(() => expect(noted).toMeetRto('100ms'))
    await outcome(() => expect(noted).toMeetRto('430ms'))
    expect(notes.map(([type]) => type)).toEqual(['failover:fail', 'failover:inconclusive'])
  })

  it('holds although the note is refused', async () => {
    const annotate = () => Promise.reject(new Error('the test has ended'))
    const late = sampleDrill(sampleFindings(), { annotate })
    expect((await outcome(() => expect(late).toMeetRto('100ms'))).message).toContain('it took longer than 100ms')
  })
})

describe('toMeetRpo', () => {
  const drill = sampleDrill(sampleFindings())
  const rpo = (changes: object) => {
    const findings = sampleFindings()
    if (!findings.rpo) throw new Error('no rpo')
    return sampleDrill({ ...findings, rpo: { ...findings.rpo, ...changes } })
  }

  it('holds each part of the objective', async () => {
    await expect(drill).toMeetRpo()
    await expect(drill).toMeetRpo({ tuples: 0, time: '0s', stateAge: '420ms' })
    expect((await outcome(() => expect(drill).not.toMeetRpo())).message).toMatchInlineSnapshot(`
      "expect(drill).not.toMeetRpo()

      a data centre is lost: expected that more than that was lost, but at most 0 tuples and 2s of state was lost.

      Objective: 0 tuples and 2s of state (the drill's objective)
      Observed:  0 tuples lost, 0 of unknown fate (0 allowed)
                 state 310–420ms old
      Not loss:  12 tuples without an answer, 3 refused
      Files:     .failover/runs/r1/d1"
    `)
  })

  it('fails for what was lost', async () => {
    const lost = rpo({ lostTuples: 4, lostSeconds: 0.08 })
    await expect(lost).toMeetRpo({ tuples: 4 })
    const { verdict, message } = await outcome(() => expect(lost).toMeetRpo({ tuples: 3, time: '50ms' }))
    expect(verdict).toBe('fail')
    expect(message).toMatchInlineSnapshot(`
      "expect(drill).toMeetRpo({ tuples: 3, time: '50ms' })

      a data centre is lost: expected that at most 3 tuples and 50ms of data was lost, but more than that was lost.

      Objective: 3 tuples and 50ms of data (given by the spec)
      Observed:  4 tuples lost, 0 of unknown fate (0 allowed)
                 80ms of data lost
      Not loss:  12 tuples without an answer, 3 refused
      Files:     .failover/runs/r1/d1"
    `)
    await expect(drill).not.toMeetRpo({ stateAge: '300ms' })
  })

  it('cannot tell where more is unknown than the contract allows', async () => {
    const dim = rpo({ unknownTuples: 2 })
    const { verdict, message } = await outcome(() => expect(dim).toMeetRpo({ tuples: 1 }))
    expect(verdict).toBe('inconclusive')
    expect(message).toMatchInlineSnapshot(`
      "expect(drill).toMeetRpo({ tuples: 1 })

      a data centre is lost: cannot tell whether at most 1 tuple was lost; unknown is not a pass.

      Objective: 1 tuple (given by the spec)
      Observed:  0 tuples lost, 2 of unknown fate (0 allowed)
      Not loss:  12 tuples without an answer, 3 refused
      Remedy:    See what the taps missed: a larger sink buffer, or polling more often, leaves less unknown.
      Files:     .failover/runs/r1/d1"
    `)
    await expect(dim).toMeetRpo({ tuples: 2 })
    expect((await outcome(() => expect(dim).toMeetRpo({ time: '1s' }))).verdict).toBe('inconclusive')
    const allowed = { ...dim, environment: { objectives: {}, contract: { maxUnknown: 2 } } }
    await expect(allowed).toMeetRpo({ tuples: 0 })
  })

  it('cannot tell the age of a state that was not seen, nor one that lies across the objective', async () => {
    expect((await outcome(() => expect(rpo({ stateAge: null })).toMeetRpo())).verdict).toBe('inconclusive')
    expect((await outcome(() => expect(drill).toMeetRpo({ stateAge: '400ms' }))).verdict).toBe('inconclusive')
    expect((await outcome(() => expect(drill).not.toMeetRpo({ stateAge: '400ms' }))).verdict).toBe('inconclusive')
  })

  it('needs no state age where no work changed hands', async () => {
    const calm = sampleFindings({
      findings: [sampleFinding('stale-state', 'inconclusive', { detail: { adopted: 0 } })],
    })
    if (!calm.rpo) throw new Error('no rpo')
    await expect(sampleDrill({ ...calm, rpo: { ...calm.rpo, stateAge: null } })).toMeetRpo()
  })

  it('refuses an objective that names nothing or something else', async () => {
    await expect(expect(drill).toMeetRpo({})).rejects.toThrow(ConfigurationError)
    await expect(expect(drill).toMeetRpo({ tuple: 0 } as object)).rejects.toThrowErrorMatchingInlineSnapshot(`
      [ConfigurationError: Not an RPO objective:
      ✖ Unrecognized key: "tuple"
       Write toMeetRpo({ tuples: 0, time: '1s', stateAge: '5s' }) with at least one of the three.]
    `)
    await expect(expect(drill).toMeetRpo({ time: 'soon' as '1s' })).rejects.toThrow(/must be a duration/)
  })
})

describe('toMatchPrediction', () => {
  it('passes if all that was measured lies in what was predicted', async () => {
    expect(sampleTakeover()).toMatchPrediction()
    const { verdict, message } = await outcome(() => expect(sampleTakeover()).not.toMatchPrediction())
    expect(verdict).toBe('fail')
    expect(message).toMatchInlineSnapshot(`
      "expect(takeover).not.toMatchPrediction()

      takeover by west: expected that it did not take as long as the toolkit's rules predict, but it took as long as the toolkit's rules predict.

      detection: ✓ measured 380–399ms, predicted 200–600ms
                   by crash → DOWN = ((M−1)·P, (M+1)·P) (§8)
      takeover:  ✓ measured 396–414ms, predicted 200–700ms
      Evidence:  toolkit-metrics: nOutputTuples of the watchdog went from 1 to 2
      Files:     .failover/runs/r1/d1"
    `)
  })

  it('fails if none of it does', async () => {
    const slow = sampleTakeover({
      expectations: [
        { what: 'detection', predicted: { lowerMs: 200, upperMs: 600 }, measured: { lowerMs: 610, upperMs: 640 } },
      ],
    })
    expect(slow).not.toMatchPrediction()
    const { verdict, message } = await outcome(() => expect(slow).toMatchPrediction())
    expect(verdict).toBe('fail')
    expect(message).toMatchInlineSnapshot(`
      "expect(takeover).toMatchPrediction()

      takeover by west: expected that it took as long as the toolkit's rules predict, but it did not take as long as the toolkit's rules predict.

      detection: ✗ measured 610–640ms, predicted 200–600ms: up to 40ms too late
      Evidence:  toolkit-metrics: nOutputTuples of the watchdog went from 1 to 2
      Files:     .failover/runs/r1/d1"
    `)
  })

  it('cannot tell across an edge or without a prediction', async () => {
    const edge = sampleTakeover({
      expectations: [
        { what: 'detection', predicted: { lowerMs: 200, upperMs: 600 }, measured: { lowerMs: 150, upperMs: 210 } },
      ],
    })
    const plain = await outcome(() => expect(edge).toMatchPrediction())
    expect(plain.verdict).toBe('inconclusive')
    expect(plain.message).toMatchInlineSnapshot(`
      "expect(takeover).toMatchPrediction()

      takeover by west: cannot tell whether it took as long as the toolkit's rules predict; unknown is not a pass.

      detection: ? measured 150–210ms, predicted 200–600ms: up to 50ms too early
      Evidence:  toolkit-metrics: nOutputTuples of the watchdog went from 1 to 2
      Remedy:    Sample faster, so that what is measured lies on one side of what is predicted.
      Files:     .failover/runs/r1/d1"
    `)
    for (const doubtful of [edge, sampleTakeover({ expectations: [] })]) {
      expect((await outcome(() => expect(doubtful).toMatchPrediction())).verdict).toBe('inconclusive')
    }
    expect((await outcome(() => expect(edge).not.toMatchPrediction())).verdict).toBe('inconclusive')
  })
})

describe('matchers that ask checkers', () => {
  type Name = (typeof DELIVERY_MATCHERS | typeof PAIR_MATCHERS)[number]['matcher']
  const call = (drill: object, name: Name, isNot: boolean) => () => {
    const assertion = isNot ? expect(drill).not : expect(drill)
    return assertion[name]()
  }

  describe.each([...DELIVERY_MATCHERS, ...PAIR_MATCHERS])('$matcher', ({ matcher, checks, claims }) => {
    const found = (verdict: Verdict, changes: object = {}) =>
      sampleDrill(sampleFindings({ findings: checks.map((name) => sampleFinding(name, verdict, changes)) }))

    it('passes, fails and cannot tell, with and without .not', async () => {
      const [holds, breaks] = claims === 'pass' ? (['pass', 'fail'] as const) : (['fail', 'pass'] as const)
      const said: string[] = []
      for (const [verdict, isNot, expected] of [
        [holds, false, 'pass'],
        [breaks, false, 'fail'],
        ['inconclusive', false, 'inconclusive'],
        [holds, true, 'fail'],
        [breaks, true, 'pass'],
        ['inconclusive', true, 'inconclusive'],
      ] as const) {
        const { verdict: came, message } = await outcome(call(found(verdict), matcher, isNot))
        expect(came, `${verdict} ${isNot ? 'not' : ''}`).toBe(expected)
        if (came !== 'pass') said.push(message)
      }
      expect(said.join('\n\n')).toMatchSnapshot()
    })

    it('cannot tell where its check had nothing to judge, was not made, or a gate is not met', async () => {
      for (const drill of [
        found('pass', { applies: false }),
        sampleDrill(sampleFindings()),
        sampleDrill(sampleFindings({ findings: checks.map((name) => sampleFinding(name, 'inconclusive')) })),
      ]) {
        expect((await outcome(call(drill, matcher, false))).verdict).toBe('inconclusive')
        expect((await outcome(call(drill, matcher, true))).verdict).toBe('inconclusive')
      }
    })

    it('tells the drill of a failure that the spec asserts, and of nothing else', async () => {
      const told: string[] = []
      const expects = (check: string, verdict: Verdict): void => void told.push(`${check} ${verdict}`)
      const fails = { ...found('fail'), expects }
      await outcome(call(fails, matcher, claims === 'pass'))
      expect(told).toEqual(checks.map((name) => `${name} fail`))
      told.length = 0
      await outcome(call(fails, matcher, claims === 'fail'))
      await outcome(call({ ...found('pass'), expects }, matcher, false))
      await outcome(call({ ...found('inconclusive'), expects }, matcher, true))
      expect(told).toEqual([])
    })
  })
})

describe('toLoseItsState', () => {
  const drill = (adopted: number, emptyKeys: number, changes: object = {}) =>
    sampleDrill(
      sampleFindings({
        findings: [sampleFinding('stale-state', 'fail', { detail: { adopted, emptyKeys }, evidence: [], ...changes })],
      }),
    )

  it('holds where keys began anew, and tells the drill that the check may fail', async () => {
    const told: string[] = []
    const expects = (check: string): void => void told.push(check)
    await expect({ ...drill(8, 4), expects }).toLoseItsState()
    expect(told).toEqual(['stale-state'])
    expect((await outcome(() => expect(drill(8, 4)).not.toLoseItsState())).message).toMatchInlineSnapshot(`
      "expect(drill).not.toLoseItsState()

      a data centre is lost: expected that work went on with the state that it had, but work went on with empty state.

      Observed: 4 of 8 keys began anew
      Checker:  stale-state: 2 things amiss
      Files:    .failover/runs/r1/d1"
    `)
  })

  it('does not where the state was kept', async () => {
    await expect(drill(8, 0)).not.toLoseItsState()
    const { verdict, message } = await outcome(() => expect(drill(8, 0)).toLoseItsState())
    expect(verdict).toBe('fail')
    expect(message).toMatchInlineSnapshot(`
      "expect(drill).toLoseItsState()

      a data centre is lost: expected that work went on with empty state, but work went on with the state that it had.

      Observed: 0 of 8 keys began anew
      Checker:  stale-state: 2 things amiss
      Files:    .failover/runs/r1/d1"
    `)
  })

  it('cannot tell where no state was taken up', async () => {
    for (const none of [drill(0, 0), drill(8, 4, { applies: false }), sampleDrill(sampleFindings())]) {
      const plain = await outcome(() => expect(none).toLoseItsState())
      const negated = await outcome(() => expect(none).not.toLoseItsState())
      expect([plain.verdict, negated.verdict]).toEqual(['inconclusive', 'inconclusive'])
    }
  })
})

describe('a matcher on the wrong thing', () => {
  it('says what it was given and what it needs', async () => {
    const messages = []
    for (const received of ['east', undefined, Promise.resolve(), new Map(), sampleTakeover()]) {
      messages.push((await outcome(() => expect(received).toMeetRto())).message)
    }
    messages.push((await outcome(() => expect(sampleDrill(sampleFindings())).toMatchPrediction())).message)
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "toMeetRto is for a drill, but received the text "east". Write: await expect(drill).toMeetRto(…)
      toMeetRto is for a drill, but received undefined. Write: await expect(drill).toMeetRto(…)
      toMeetRto is for a drill, but received a promise: something was not awaited. Write: await expect(drill).toMeetRto(…)
      toMeetRto is for a drill, but received an object (Map). Write: await expect(drill).toMeetRto(…)
      toMeetRto is for a drill, but received a takeover. Write: await expect(drill).toMeetRto(…)
      toMatchPrediction is for a takeover, but received a drill. Write: expect(await failover.completed({ within: '60s' })).toMatchPrediction()"
    `)
  })
})
