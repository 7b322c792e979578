/**
 * Breaks: the application's job at one data centre is cancelled; the site itself stays up.
 * The toolkit's rules: to the peer this is a crash — heartbeats end without a word — so it takes over after (M−1)·P to (M+1)·P.
 * Asserts: RTO, no acknowledged tuple lost, the takeover inside the prediction; after the job is submitted again both see each
 * other up.
 */
import { jobCancelled } from '../lib/faults/index.ts'
import { describe, expect, it } from '../fixtures/index.ts'

describe('the job of one data centre is cancelled', () => {
  it('is taken over, and rejoins when it is submitted again', async ({ dc, traffic, faults, failover, drill }) => {
    const run = await traffic.start({ rate: 200 })
    await run.steady({ for: '1s' })
    await failover.replicated()

    const cancelled = await faults.inject(jobCancelled(dc.victim))
    const takeover = await failover.completed({ after: cancelled })
    await run.steady({ for: '1s' })
    await cancelled.heal()
    await failover.reconverged()
    await run.stop()

    await expect(drill).toMeetRto()
    await expect(drill).toMeetRpo({ tuples: 0 })
    expect(takeover).toMatchPrediction()
    await expect(drill).toHaveFreshState()
    await expect(drill).toReconverge()
    await expect(drill).toHaveNoSplitBrain()
  })
})
