/** Whatever dies, nothing is left on machines over SSH; the VM has a lane of its own. */
import { describe, expect, it } from 'vitest'
import { startSshdBed } from './beds/sshd.ts'
import { faultOf, SSHD_KINDS } from './kill-matrix/grounds.ts'
import { KILLERS, killMatrixOn } from './kill-matrix/suite.ts'
import { healLeftovers, runTrial } from './kill-matrix/trial.ts'

describe('hosts over SSH', () => {
  const ground = killMatrixOn({
    name: 'sshd',
    needs: 'sshd',
    start: startSshdBed,
    realDisk: '/var/tmp',
    kinds: SSHD_KINDS,
    killers: KILLERS,
    share: 0.85,
    ttlMs: 3000,
    slackMs: 2500,
  })

  it('a lease that does not end in time is seen', async () => {
    const fault = faultOf('network-partition', ground().places)
    const planted = { ...fault, killer: 'worker SIGKILL', instant: 0, after: 'confirmed', ttlMs: 60_000 } as const
    const result = await runTrial(ground(), planted, 0)
    expect(result.left.join()).toMatch(/nft: .*failover_network_partition/)
    await healLeftovers(ground())
  })
})
