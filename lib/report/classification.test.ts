import { describe, expect, it } from 'vitest'
import { ConfigurationError, TimeoutError } from '../core/index.ts'
import { InconclusiveError } from '../matchers/errors.ts'
import { classifyFailure, classifyFindings } from './classification.ts'

const classify = (error: unknown, faultConfirmed = true) =>
  classifyFailure({ errors: [error], verdict: 'pass', faultConfirmed })

describe('whose failure it is', () => {
  it.each([
    [new InconclusiveError('cannot tell'), 'inconclusive'],
    [new ConfigurationError('no such unit'), 'environment'],
    [{ name: 'UnauthorizedError', message: 'no', code: 'STREAMS_UNAUTHORIZED' }, 'environment'],
    [{ name: 'FaultError', message: 'no', code: 'FAILOVER_FAULT_REFUSED' }, 'environment'],
    [{ name: 'FaultError', message: 'no', code: 'FAILOVER_FAULT_NOT_CONFIRMED' }, 'inconclusive'],
    [{ name: 'AssertionError', message: 'expected 1 to be 2' }, 'product'],
    [{ name: 'Error', message: 'expect(drill).toMeetRto()\n\n…' }, 'product'],
    [{ name: 'Error', message: 'Test timed out in 300000ms.\nIf …' }, 'inconclusive'],
    [new TypeError('x is not a function'), 'tool'],
    ['a thrown text', 'tool'],
  ])('%s → %s', (error, expected) => {
    expect(classify(error)).toBe(expected)
  })

  it('is the product’s when something comes too late after a confirmed fault, else the environment’s', () => {
    const late = new TimeoutError('Waited 60s for a takeover, in vain.')
    expect(classify(late, true)).toBe('product')
    expect(classify(late, false)).toBe('environment')
  })

  it('is what the drill itself says where the body passed', () => {
    const error = { name: 'DrillVerdictError', message: 'the drill as a whole is fail', code: 'FAILOVER_DRILL' }
    expect(classifyFailure({ errors: [error], verdict: 'fail', faultConfirmed: true })).toBe('product')
    expect(classifyFailure({ errors: [error], verdict: 'inconclusive', faultConfirmed: true })).toBe('inconclusive')
  })

  it('of findings alone', () => {
    expect(classifyFindings('pass', true)).toBe('none')
    expect(classifyFindings('fail', true)).toBe('product')
    expect(classifyFindings('inconclusive', false)).toBe('inconclusive')
    expect(classifyFindings('inconclusive', true)).toBe('environment')
  })
})
