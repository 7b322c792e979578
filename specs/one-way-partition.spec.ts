/**
 * Breaks: connections from one data centre to the other; those of the other direction still work.
 * The toolkit's rules: the deaf side declares its peer down and falls silent, which makes the peer declare it down in turn, M·P
 * to (M+1)·P after its last heartbeat. A one-way loss so becomes a full split brain, in two steps.
 * Asserts: the order and the time of both steps, and the split brain.
 */
import { oneWayPartition } from '../lib/faults/index.ts'
import { describe, expect, it } from '../fixtures/index.ts'

describe('the network is cut in one direction', () => {
  it('ends in a split brain, in the two steps that the rules predict', async ({
    dc,
    traffic,
    faults,
    failover,
    drill,
  }) => {
    const run = await traffic.start({ rate: 200, witness: true })
    await run.steady({ for: '1s' })
    await failover.replicated()

    const oneWay = await faults.inject(oneWayPartition({ from: dc.victim, to: dc.survivor, mode: 'reset' }))
    const split = await failover.splitBrain({ after: oneWay, oneWayFrom: dc.victim })
    expect(split[dc.survivor.name]).toMatchPrediction()
    expect(split[dc.victim.name]).toMatchPrediction()
    expect(split[dc.survivor.name].detection.latest).toBeLessThan(split[dc.victim.name].detection.earliest)

    await run.steady({ for: '500ms' })
    await oneWay.heal()
    await failover.remains('stuck-split-brain', { for: failover.prediction.returnSeen, times: 3 })
    await run.stop()

    await expect(drill).toHaveSplitBrain()
    await expect(drill).not.toReconverge()
    drill.expects('stuck-split-brain', 'fail', 'neither side sends to a peer that it believes down')
    await expect(drill).toHaveNoLoss()
  })
})
