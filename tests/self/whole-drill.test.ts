import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { recheck } from '../../lib/checkers/index.ts'
import { runDrills } from './run-drills.ts'

/** A drill whose lab's password is told to the test, by a file outside of the run's directory. */
const SPEC = {
  'a.spec.ts': `
import { writeFileSync } from 'node:fs'
import { reveal } from '../../../lib/core/index.ts'
import { dataCenterCrash } from '../../../lib/faults/index.ts'
import { describe, expect, it } from '../../../fixtures/index.ts'

describe('a whole drill', () => {
  it('crashes and recovers', async ({ dc, environment, traffic, faults, failover, drill }) => {
    writeFileSync('canary', reveal(environment.dcs.east.management.password))
    const run = await traffic.start({ rate: 200 })
    await run.steady({ for: '500ms' })
    await failover.replicated()
    await using crash = await faults.inject(dataCenterCrash(dc.victim))
    await failover.completed({ after: crash })
    await run.steady({ for: '500ms' })
    await run.stop()
    await expect(drill).toMeetRto()
  })
  it('fails with the password in its message', ({ environment }) => {
    throw new Error('cannot log in with ' + reveal(environment.dcs.east.management.password))
  })
})`,
}

it(
  'leaves a record from which the same findings follow, holds the truth, and gives no secret away',
  { timeout: 120_000 },
  async () => {
    using run = await runDrills(SPEC, { env: { FAILOVER_CACHE_DIR: process.env.FAILOVER_CACHE_DIR } })
    const drill = run.report?.drills.find(({ name }) => name.includes('crashes'))
    expect(drill, run.output).toMatchObject({ verdict: 'pass', target: 'embedded' })

    const latest = join(run.directory, '.failover/latest')
    const directory = join(latest, drill?.directory ?? '')
    const again = await recheck(directory)
    expect(again.differences).toEqual([])
    expect(again.identical).toBe(true)

    expect(drill?.groundTruth?.rtoMs).toBeGreaterThanOrEqual(drill?.rto?.lowerMs ?? NaN)
    expect(drill?.groundTruth?.rtoMs).toBeLessThanOrEqual(drill?.rto?.upperMs ?? NaN)

    const canary = run.read('canary') ?? ''
    expect(canary.length).toBeGreaterThan(8)
    const artefacts = readdirSync(latest, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(artefacts.length).toBeGreaterThan(5)
    const forms = [canary, Buffer.from(canary).toString('base64').replace(/=+$/, ''), encodeURIComponent(canary)]
    const leaks = artefacts
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => forms.some((form) => readFileSync(file).includes(form)))
    expect(leaks).toEqual([])
    for (const form of forms) expect(run.output).not.toContain(form)
  },
)

/** The same crash, held to what no failover can do. */
const HELD = {
  'a.spec.ts': `
import { dataCenterCrash } from '../../../lib/faults/index.ts'
import { describe, expect, it } from '../../../fixtures/index.ts'

describe('a drill with objectives of its own', () => {
  it.override('objectives', ({ environment }) => ({ ...environment.objectives, rto: '1ms' }))

  it('is held to them', async ({ dc, traffic, faults, failover, drill }) => {
    const run = await traffic.start({ rate: 200 })
    await run.steady({ for: '500ms' })
    await using crash = await faults.inject(dataCenterCrash(dc.victim))
    await failover.completed({ after: crash })
    await run.steady({ for: '500ms' })
    await run.stop()
    await expect(drill).toMeetRto()
  })
})`,
}

it('judges a drill, and its record, by the objectives that its spec states', { timeout: 120_000 }, async () => {
  using run = await runDrills(HELD)
  const [drill] = run.report?.drills ?? []
  expect(drill, run.output).toMatchObject({ verdict: 'fail' })
  expect(drill?.checks).toContainEqual(expect.objectContaining({ name: 'rto', verdict: 'fail' }))
  expect(run.output).toContain("1ms (the drill's objective)")
})
