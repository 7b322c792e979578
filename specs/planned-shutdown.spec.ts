/**
 * Breaks: nothing by force — one data centre is told to shut down in an orderly way, then its job is cancelled.
 * The toolkit's rules: the peer deletes the snapshots that it holds at once, and declares the other down only M·P to (M+1)·P
 * after its last heartbeat, with nothing to take over: the state of the leaving side is gone by design.
 * Asserts: detection inside that window, zero pieces taken over, service back within the objective, no acknowledged tuple lost.
 */
import { orderlyShutdown } from '../lib/faults/index.ts'
import { describe, expect, it } from '../fixtures/index.ts'

describe('a data centre is shut down in an orderly way', () => {
  // A snapshot on its way when the message is sent would be kept and taken over (reference §11, S10): leave room after one.
  it.override('toolkit', { dataSnapshotExchangeInterval: '20' })

  it('hands its work over, but not its state', async ({ dc, traffic, faults, failover, drill }) => {
    const run = await traffic.start({ rate: 200 })
    // Longer than the age of state that is agreed for any target, so that its loss is beyond doubt.
    await run.steady({ for: '4s' })
    await failover.replicated({ to: dc.survivor })

    await using shutdown = await faults.inject(orderlyShutdown(dc.victim))
    const down = await failover.declaredDown({ after: shutdown })
    await run.steady({ for: '1s' })
    await run.stop()

    expect(down).toMatchPrediction()
    expect(down.pieces, 'pieces of the leaving side that were taken over').toBe(0)
    await expect(drill).toLoseItsState()
    await expect(drill).toMeetRto()
    await expect(drill).toHaveNoLoss()
    await expect(drill).toHaveNoSplitBrain()
  })
})
