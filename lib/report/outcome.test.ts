import { describe, expect, it } from 'vitest'
import { drillOutcome, type TestOutcome } from './outcome.ts'

const failed = (message: string): TestOutcome => ({
  state: 'failed',
  errors: [Object.assign(new Error(message), { name: 'AssertionError' })],
  name: 'a drill',
  file: 'specs/a.spec.ts',
  environment: 'pair',
  target: 'embedded',
  meta: undefined,
  interrupted: false,
})

const problems = (message: string) => drillOutcome(failed(message), '.').problems

describe('what is wrong with a drill, in one line', () => {
  it('holds the sentence of a matcher and what it was judged by', () => {
    const message = `expect(takeover).toMatchPrediction()

takeover by west: cannot tell whether it took as long as predicted; unknown is not a pass.

detection: ? measured 150–210ms, predicted 200–600ms: up to 50ms too early
             by crash → DOWN
Evidence:  toolkit-metrics: 1 to 2
Remedy:    Sample faster.
Files:     .failover/runs/r1/d1`
    expect(problems(message)).toEqual([
      'expect(takeover).toMatchPrediction() — takeover by west: cannot tell whether it took as long as predicted; unknown is ' +
        'not a pass. — detection: ? measured 150–210ms, predicted 200–600ms: up to 50ms too early; by crash → DOWN',
    ])
  })

  it('is short where the facts are many', () => {
    const [line = ''] =
      problems(`expect(drill).toMeetRto()\n\nit did not.\n\n${'Fact: more than one reads\n'.repeat(50)}`) ?? []
    expect(line.length).toBeLessThan(500)
    expect(line).toMatch(/…$/)
  })

  it('is the first line of any other error', () => {
    expect(problems('boom\nand more')).toEqual(['boom'])
  })
})
