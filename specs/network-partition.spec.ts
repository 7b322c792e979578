/**
 * Breaks: the network between the two data centres, both ways; clients reach both.
 * The toolkit's rules: there is no witness, so each side declares the other down and takes its work over: a split brain. Each
 * then falls silent, because it sends no heartbeat to a peer that it believes down; so the end of the partition changes
 * nothing, and the pair stays split until one side's toolkit restarts.
 * Asserts: each of these steps, the first inside the prediction.
 */
import { networkPartition } from '../lib/faults/index.ts'
import { describe, expect, it } from '../fixtures/index.ts'

describe('the network between the data centres is cut', () => {
  it('splits the brain; healing alone does not rejoin the pair, a restart does', async ({
    dc,
    traffic,
    faults,
    failover,
    drill,
  }) => {
    const run = await traffic.start({ rate: 200, witness: true })
    await run.steady({ for: '1s' })
    await failover.replicated()

    const partition = await faults.inject(networkPartition(dc.east, dc.west, { mode: 'reset' }))
    const split = await failover.splitBrain({ after: partition })
    expect(split.east).toMatchPrediction()
    expect(split.west).toMatchPrediction()
    await run.steady({ for: '500ms' })

    await partition.heal()
    await failover.remains('stuck-split-brain', { for: failover.prediction.returnSeen, times: 3 })
    drill.expects('stuck-split-brain', 'fail', 'neither side sends to a peer that it believes down')

    await failover.restart(dc.victim)
    await failover.reconverged()
    await run.stop()

    await expect(drill).toHaveSplitBrain()
    await expect(drill).toReconverge()
    await expect(drill).toHaveNoLoss()
    await expect(drill).toHaveIntegrity()
  })
})
