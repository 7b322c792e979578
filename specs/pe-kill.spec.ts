/**
 * Breaks: the PE that holds the application's state is killed.
 * The toolkit's rules: heartbeats come from another PE, so the peer notices nothing and takes nothing over; the platform
 * restarts the PE in place, with empty state, because no operator of this application is checkpointed.
 * Asserts: service is back at the same data centre within the objective, no takeover, the state gone, no acknowledged tuple lost.
 */
import { peKill } from '../lib/faults/index.ts'
import { describe, expect, it } from '../fixtures/index.ts'

describe('a processing element is killed', () => {
  it('is restarted in place, and the peer takes nothing over', async ({ dc, traffic, faults, failover, drill }) => {
    const run = await traffic.start({ rate: 200 })
    // Longer than the age of state that is agreed for any target, so that its loss is beyond doubt.
    await run.steady({ for: '4s' })

    await using kill = await faults.inject(peKill(dc.victim, { operator: 'Logic' }))
    await run.steady({ for: '1s' })
    await failover.unnoticed({ after: kill, for: failover.prediction.invisibleOutage })
    await run.stop()

    await expect(drill).toMeetRto()
    await expect(drill).toHaveNoTakeover()
    await expect(drill).toLoseItsState()
    await expect(drill).toHaveNoLoss()
    await expect(drill).toHaveNoSplitBrain()
    await expect(drill).toHaveIntegrity()
  })
})
