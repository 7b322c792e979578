/**
 * Breaks: the PE that holds the application's state is stopped (SIGSTOP), so that its data path is dead while everything else
 * of the data centre lives: a gray failure.
 * The toolkit's rules: heartbeats come from a Beacon and not from the data path, so the peer sees a healthy data centre for as
 * long as the hang lasts. Nothing fails over.
 * Asserts: exactly that — the outage lasts as long as the fault, no takeover begins, and when the PE goes on nothing that was
 * acknowledged is lost.
 */
import { peHang } from '../lib/faults/index.ts'
import { describe, expect, it } from '../fixtures/index.ts'

describe('a processing element hangs', () => {
  it('is not noticed by the peer, and goes on where it stopped', async ({ dc, traffic, faults, failover, drill }) => {
    const run = await traffic.start({ rate: 200 })
    await run.steady({ for: '1s' })

    const hang = await faults.inject(peHang(dc.victim, { operator: 'Logic' }))
    await failover.unnoticed({ after: hang, for: failover.prediction.invisibleOutage })
    await hang.heal()
    await run.steady({ for: '1s' })
    await run.stop()

    await expect(drill).toHaveNoTakeover()
    await expect(drill).toHaveNoLoss()
    await expect(drill).toHaveNoSplitBrain()
    await expect(drill).toKeepOrder()
    await expect(drill).toTransformCorrectly()
  })
})
