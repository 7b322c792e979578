import type { CheckMatcher } from './checks.ts'

/** Matchers about what the two data centres did to and for each other. */
export const PAIR_MATCHERS = [
  {
    matcher: 'toHaveNoSplitBrain',
    checks: ['split-brain'],
    claims: 'pass',
    claim: 'never did both data centres act for the same work',
    contrary: 'both data centres acted for the same work',
    remedy: 'Watch both data centres for the whole drill; witness tuples show double work in the data itself.',
  },
  {
    matcher: 'toHaveSplitBrain',
    checks: ['split-brain'],
    claims: 'fail',
    claim: 'both data centres acted for the same work',
    contrary: 'never did both data centres act for the same work',
    remedy: 'Watch both data centres for the whole drill; witness tuples show double work in the data itself.',
  },
  {
    matcher: 'toReconverge',
    checks: ['reconvergence'],
    claims: 'pass',
    claim: 'the pair saw each other up and replicated again after the heal',
    contrary: 'the pair did not find together again',
    remedy: 'Heal the fault, then wait for failover.reconverged() with enough time.',
  },
  {
    matcher: 'toHaveFreshState',
    checks: ['stale-state'],
    claims: 'pass',
    claim: 'the survivor went on with state as fresh as was agreed',
    contrary: 'the survivor went on with stale state',
    remedy: "Send to the victim's keys before and after the takeover, so that the age of the state can be told.",
  },
  {
    matcher: 'toHaveNoTakeover',
    checks: ['takeover'],
    claims: 'fail',
    claim: 'no takeover happened',
    contrary: 'a takeover happened',
    remedy: 'Watch both data centres for longer than the toolkit needs to declare its peer down.',
  },
] as const satisfies readonly CheckMatcher[]
