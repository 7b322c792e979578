import { describe, expect, it } from 'vitest'
import { runDrills } from './run-drills.ts'

/** A drill that breaks one data centre, and loses the other to somebody else. */
const SPEC = {
  'a.spec.ts': `
import { dataCenterCrash } from '../../../lib/faults/index.ts'
import { resolveEnvironment } from '../../../lib/environment/index.ts'
import { environments } from '../../../environments/index.ts'
import { describe, it as base } from '../../../fixtures/index.ts'

const [declared] = environments
const stop = { unreachableFor: '300ms', unhealthyFor: '300ms', every: '100ms' }
const it = base.override('environment', async ({ ending }, { onCleanup }) => {
  const environment = await resolveEnvironment(
    { ...declared, safety: { ...declared.safety, stop } },
    { signal: ending },
  )
  onCleanup(() => environment[Symbol.asyncDispose]())
  return environment
})

describe('a drill whose survivor is lost', () => {
  it('is stopped', async ({ dc, clients, traffic, faults, failover, environment }) => {
    const run = await traffic.start({ rate: 100 })
    await run.steady({ for: '500ms' })
    await faults.inject(dataCenterCrash(dc.victim))
    const { management } = clients[dc.survivor.name]
    const job = await management.findJob(environment.dcs[dc.survivor.name].application.job)
    await management.cancelJob(job)
    await failover.remains('never-seen', { for: '100s' })
  })
})`,
}

describe.runIf(process.platform === 'linux')(
  'a drill that hits more than it was aimed at',
  { timeout: 120_000 },
  () => {
    it('ends its waits at once, heals, and says why; unknown is not a pass', async () => {
      using run = await runDrills(SPEC)
      expect(run.exitCode, run.output).toBe(1)
      const [drill] = run.report?.drills ?? []
      const reason = /stopped: the survivor is well: west has no job failover-app, for /
      expect(drill).toMatchObject({
        classification: 'inconclusive',
        gates: expect.arrayContaining([
          expect.objectContaining({ name: 'stop-condition', summary: expect.stringMatching(reason) as unknown }),
        ]) as unknown,
      })
      expect(drill?.problems?.join()).toMatch(reason)
      expect(drill?.faults).toMatchObject([{ kind: 'data-center-crash', healed: expect.anything() as unknown }])
    })
  },
)
