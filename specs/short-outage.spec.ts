/**
 * Breaks: a whole data centre, for less time than the peer needs to notice.
 * The toolkit's rules: an outage shorter than (M−1)·P is invisible. Nothing is taken over, and the restarted side begins with
 * empty state, which then overwrites the copy that the peer held: the state is lost without a word in any status.
 * Asserts: that service was back before anybody could notice, that nobody did, and that the state is gone.
 */
import { dataCenterCrash } from '../lib/faults/index.ts'
import { describe, expect, it } from '../fixtures/index.ts'

describe('a data centre is away for less time than detection takes', () => {
  it.override('toolkit', { consecutiveHeartbeatMissesAllowed: '30' })
  // No failover recovers this outage, but the end of it: what it is held to is that it stays invisible.
  it.override('objectives', ({ environment, prediction }) => ({
    ...environment.objectives,
    rto: `${Math.floor(prediction.invisibleOutage.lowerMs)}ms`,
  }))

  it('is not noticed, and loses its state', async ({ dc, traffic, faults, failover, drill }) => {
    const run = await traffic.start({ rate: 200 })
    // Longer than the age of state that is agreed for any target, so that its loss is beyond doubt.
    await run.steady({ for: '4s' })
    await failover.replicated()

    const crash = await faults.inject(dataCenterCrash(dc.victim))
    await crash.heal()
    await run.steady({ for: '1s' })
    await failover.unnoticed({ after: crash, for: failover.prediction.invisibleOutage })
    await run.stop()

    await expect(drill).toMeetRto()
    await expect(drill).toHaveNoTakeover()
    await expect(drill).toLoseItsState()
    await expect(drill).toHaveNoLoss()
  })
})
