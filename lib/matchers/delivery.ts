import type { CheckMatcher } from './checks.ts'

/** Matchers about what became of the tuples. */
export const DELIVERY_MATCHERS = [
  {
    matcher: 'toHaveNoLoss',
    checks: ['lost'],
    claims: 'pass',
    claim: 'no acknowledged tuple was lost',
    contrary: 'acknowledged tuples were lost',
    remedy: 'Poll the taps more often, or give the sinks a larger buffer, so that less is unknown.',
  },
  {
    matcher: 'toHaveNoDuplicates',
    checks: ['duplicated'],
    claims: 'pass',
    claim: 'no tuple came out twice',
    contrary: 'tuples came out more than once',
    remedy: 'Poll the taps more often, or give the sinks a larger buffer, so that less is unknown.',
  },
  {
    matcher: 'toKeepOrder',
    checks: ['order'],
    claims: 'pass',
    claim: 'the tuples of each key came out in order',
    contrary: 'tuples of a key changed places',
    remedy: 'Send several tuples per key before, during and after the fault.',
  },
  {
    matcher: 'toHaveIntegrity',
    checks: ['integrity', 'phantom'],
    claims: 'pass',
    claim: 'every tuple came out as it was sent',
    contrary: 'tuples came out corrupted or out of nothing',
    remedy: 'Send traffic, and see that a tap shows it.',
  },
  {
    matcher: 'toTransformCorrectly',
    checks: ['transformation'],
    claims: 'pass',
    claim: 'the application computed what it should',
    contrary: 'the application computed something else',
    remedy: 'Send several tuples per key, so that there is something to compare.',
  },
  {
    matcher: 'toSustainThroughput',
    checks: ['throughput'],
    claims: 'pass',
    claim: 'throughput came back to what it was before the fault',
    contrary: 'throughput stayed below what it was before the fault',
    remedy: 'Wait for run.steady() before the fault and after the recovery.',
  },
] as const satisfies readonly CheckMatcher[]
