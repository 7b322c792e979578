/**
 * Breaks: the whole of one data centre at once (management, data service, every PE).
 * The toolkit's rules: the survivor counts its own ticks; with interval P and M misses allowed it declares the peer down
 * between (M−1)·P and (M+1)·P after the crash, then hands over every snapshot it holds.
 * Asserts: RTO within the objective and inside the prediction, no acknowledged tuple lost, nothing twice, order per key kept,
 * state no older than the snapshot cadence allows, and never two data centres for the same work.
 */
import { dataCenterCrash } from '../lib/faults/index.ts'
import { describe, expect, it } from '../fixtures/index.ts'

describe('a data centre is lost', () => {
  it('is taken over within the objective, with its replicated state', async ({
    dc,
    traffic,
    faults,
    failover,
    drill,
  }) => {
    const run = await traffic.start({ rate: 200, witness: true })
    await run.steady({ for: '1s' })
    await failover.replicated()

    await using crash = await faults.inject(dataCenterCrash(dc.victim))
    const takeover = await failover.completed({ after: crash })
    await run.steady({ for: '1s' })
    await run.stop()

    await expect(drill).toMeetRto()
    await expect(drill).toMeetRpo({ tuples: 0 })
    expect(takeover).toMatchPrediction()
    await expect(drill).toHaveFreshState()
    await expect(drill).toHaveNoSplitBrain()
    await expect(drill).toHaveNoDuplicates()
    await expect(drill).toKeepOrder()
    await expect(drill).toHaveIntegrity()
    await expect(drill).toTransformCorrectly()
  })

  it('rejoins when it comes back, and does not fail back by itself', async ({
    dc,
    traffic,
    faults,
    failover,
    drill,
  }) => {
    const run = await traffic.start({ rate: 100 })
    await run.steady({ for: '500ms' })

    const crash = await faults.inject(dataCenterCrash(dc.victim))
    await failover.completed({ after: crash })
    await crash.heal()
    await failover.reconverged()
    await run.steady({ for: '500ms' })
    await run.stop()

    await expect(drill).toMeetRto()
    await expect(drill).toReconverge()
    await expect(drill).toHaveNoSplitBrain()
    await expect(drill).toHaveNoLoss()
  })
})
