/**
 * Whatever dies, nothing is left behind. Faults on real hosts, of which the runner, the worker, sshd, the network to the host or
 * the host itself is killed at a random instant of arming, injection, confirmation or healing: when the lease is over, every host
 * is as it was, and a sweep finds no more than files.
 *
 * `npm run kill-matrix` runs all of it (`KILL_TRIALS`, default 220 there; a small sample otherwise) and stores the matrix in
 * `.failover/kill-matrix.json` and `.md`. `KILL_SEED` repeats a run.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { startSshdBed } from './beds/sshd.ts'
import { needsBed } from './beds/need.ts'
import { startVmBed } from './beds/vm.ts'
import { bedGround, faultOf, SSHD_KINDS, VM_KINDS } from './kill-matrix/grounds.ts'
import { planTrials, renderMatrix, type PlannedTrial } from './kill-matrix/plan.ts'
import { healLeftovers, runTrial, usualTime, type Ground, type Killer, type TrialResult } from './kill-matrix/trial.ts'
import type { Places } from './matrix/ground.ts'

const TRIALS = Number(process.env['KILL_TRIALS'] ?? 20)
const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000)

const results: TrialResult[] = []
const usual = new Map<string, number>()

afterAll(() => {
  if (results.length === 0) return
  mkdirSync('.failover', { recursive: true })
  const left = results.filter((result) => result.left.length > 0).length
  writeFileSync(
    '.failover/kill-matrix.json',
    JSON.stringify({ seed: SEED, trials: results.length, left, results }, null, 2),
  )
  const text = renderMatrix(results)
  writeFileSync('.failover/kill-matrix.md', text)
  process.stdout.write(`\nkill matrix, seed ${SEED}: ${results.length} trials, ${left} left something\n${text}`)
})

/** Runs a trial and keeps its result; the time of the undisturbed fault is measured once per kind. */
async function judge(ground: Ground & { readonly places: Places }, planned: PlannedTrial): Promise<TrialResult> {
  const trial = { ...planned, ...faultOf(planned.kind, ground.places) }
  const key = `${ground.name} ${trial.kind}`
  const usualMs = usual.get(key) ?? (await usualTime(ground, trial))
  usual.set(key, usualMs)
  const result = await runTrial(ground, trial, usualMs)
  results.push(result)
  return result
}

function trialsOf(kinds: readonly string[], killers: readonly Killer[], share: number) {
  const count = Math.max(1, Math.round(TRIALS * share))
  return planTrials(kinds, killers, count, SEED).map((trial, nth) => ({ nth: nth + 1, ...trial }))
}

const KILLERS: readonly Killer[] = ['runner SIGKILL', 'worker SIGKILL', 'host goes dark', 'sshd killed']

describe('hosts over SSH', () => {
  const bed = needsBed('sshd', async () => {
    const sshd = await startSshdBed()
    const ground = await bedGround('sshd', sshd, '/var/tmp', 3000)
    return { ground, [Symbol.asyncDispose]: () => sshd[Symbol.asyncDispose]() }
  })

  it.each(trialsOf(SSHD_KINDS, KILLERS, 0.75))('$nth: $kind, $killer: nothing is left', async (trial) => {
    const result = await judge(bed().ground, trial)
    expect(result.left, `last said: ${result.killedAfter}, instant ${result.instant}, seed ${SEED}`).toEqual([])
  })

  it('a lease that does not end in time is seen', async () => {
    const { ground } = bed()
    const fault = faultOf('network-partition', ground.places)
    const planted = { ...fault, killer: 'worker SIGKILL', instant: 0, after: 'confirmed', ttlMs: 60_000 } as const
    const result = await runTrial(ground, planted, 0)
    expect(result.left.join()).toMatch(/nft: .*failover_network_partition/)
    await healLeftovers(ground)
  })
})

describe('a VM that is rebooted', () => {
  const bed = needsBed('vm', async () => {
    const vm = await startVmBed()
    const ground = await bedGround('vm', vm, '/mnt/state', 10_000)
    return { ground, [Symbol.asyncDispose]: () => vm[Symbol.asyncDispose]() }
  })

  it.each(trialsOf(VM_KINDS, [...KILLERS, 'host rebooted'], 0.25))(
    '$nth: $kind, $killer: nothing is left',
    async (trial) => {
      const result = await judge(bed().ground, trial)
      expect(result.left, `last said: ${result.killedAfter}, instant ${result.instant}, seed ${SEED}`).toEqual([])
    },
  )
})
