import { expect, it } from 'vitest'
import { runDrills } from './run-drills.ts'

/** Drills whose faults come by a schedule. */
const SPEC = {
  'a.spec.ts': `
import { latency } from '../../../lib/faults/index.ts'
import { hold, parallel, random } from '../../../lib/nemesis/index.ts'
import { describe, expect, it } from '../../../fixtures/index.ts'

const slow = (dc, ms) => latency(dc.victim, dc.survivor, { delay: ms + 'ms' })

describe('a schedule', () => {
  it('by chance is carried out', async ({ dc, seed, traffic, nemesis, failover, drill }) => {
    const run = await traffic.start({ rate: 100 })
    await run.steady({ for: '500ms' })
    const done = await nemesis.run(random({
      seed,
      faults: [(random) => slow(dc, random.integer(10, 20))],
      rounds: 2,
      hold: ['100ms', '300ms'],
      pause: ['50ms', '100ms'],
    }))
    expect(done.map(({ place }) => place)).toEqual(['1', '3'])
    await failover.remains('normal', { for: '500ms' })
    await run.stop()
    await expect(drill).toHaveNoLoss()
  })

  it('beyond the budget is refused as a whole', async ({ dc, nemesis }) => {
    await nemesis.run(parallel(hold(slow(dc, 10), { for: '1s' }), hold(slow(dc, 20), { for: '1s' })))
  })

  it('that fails unseen makes its drill fail', async ({ dc, nemesis }) => {
    await new Promise((begun) => {
      nemesis.start(hold(slow(dc, 10), {
        until: async () => {
          begun()
          throw new Error('nobody has looked')
        },
        describe: 'never',
      }))
    })
  })
})`,
}

it('a schedule is part of its drill: its record, its budget, its verdict', { timeout: 120_000 }, async () => {
  using run = await runDrills(SPEC)
  expect(run.exitCode, run.output).toBe(1)
  const drill = (part: string) => run.report?.drills.find(({ name }) => name.includes(part))

  const carriedOut = drill('by chance')
  expect(carriedOut, run.output).toMatchObject({ verdict: 'pass' })
  expect(carriedOut?.faults).toMatchObject([
    { kind: 'latency', confirmed: expect.anything(), healed: expect.anything() },
    { kind: 'latency', confirmed: expect.anything(), healed: expect.anything() },
  ])
  const history = run.read(`.failover/latest/${carriedOut?.directory}/history.jsonl`) ?? ''
  expect(history).toMatch(/"phase":"schedule".*1 latency on east↔west for \d+ms, by .*3 latency/)

  expect(drill('beyond the budget')).toMatchObject({ faults: [] })
  expect(run.output).toMatch(
    /is refused: with it 2 faults would be on, and the environment dc-east-west allows 1 at a time/,
  )

  expect(drill('unseen')?.verdict).not.toBe('pass')
  expect(run.output).toContain('nobody has looked')
})
