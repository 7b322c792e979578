/**
 * Breaks: the active data centre of an active/passive pair, the whole of it at once.
 * The toolkit's rules: a passive side only tells that its peer is down; the sample application then runs a script that submits
 * the application there and ends itself. The stored snapshots are kept and not used, so the launched application starts empty.
 * Asserts: RTO within the objective and inside the prediction, the state gone, no acknowledged tuple lost.
 */
import { dataCenterCrash } from '../lib/faults/index.ts'
import { describe, expect, it } from '../fixtures/index.ts'

describe('the active side of an active/passive pair is lost', () => {
  it.override('mode', 'active-passive')
  // What was agreed is for an application that runs already. Here one must be launched first, for which time is allowed.
  it.override('objectives', ({ environment, prediction }) => ({
    ...environment.objectives,
    rto: `${Math.floor(prediction.rto.upperMs)}ms`,
  }))

  it('has its application launched at the passive side, which starts empty', async ({
    dc,
    traffic,
    faults,
    failover,
    drill,
  }) => {
    const run = await traffic.start({ rate: 200 })
    // Longer than the age of state that is agreed for any target, so that its loss is beyond doubt.
    await run.steady({ for: '4s' })

    await using crash = await faults.inject(dataCenterCrash(dc.victim))
    const takeover = await failover.completed({ after: crash })
    await run.steady({ for: '1s' })
    await run.stop()

    await expect(drill).toMeetRto()
    expect(takeover).toMatchPrediction()
    await expect(drill).toLoseItsState()
    await expect(drill).toHaveNoLoss()
    await expect(drill).toHaveNoSplitBrain()
  })
})
