import { afterAll, expect, it } from 'vitest'
import type { Bed } from '../beds/bed.ts'
import { needsBed, type Need } from '../beds/need.ts'
import { keepMatrix } from '../kept.ts'
import type { Places } from '../matrix/ground.ts'
import { bedGround, faultOf } from './grounds.ts'
import { planTrials, renderMatrix, type PlannedTrial } from './plan.ts'
import { NoTrialError, runTrial, usualTime, type Ground, type Killer, type TrialResult } from './trial.ts'

const TRIALS = Number(process.env['KILL_TRIALS'] ?? 20)
const SEED = Number(process.env['KILL_SEED'] ?? Date.now() % 1_000_000)

/** Killers that every kind of host knows. */
export const KILLERS: readonly Killer[] = ['runner SIGKILL', 'worker SIGKILL', 'host goes dark', 'sshd killed']

/** One kind of hosts, and what is tried on it. */
export interface KillGround extends Pick<Ground, 'ttlMs' | 'slackMs'> {
  readonly name: 'sshd' | 'vm'
  readonly needs: Need
  readonly start: () => Promise<Bed & { reset?(): Promise<void> }>
  readonly realDisk: string
  readonly kinds: readonly string[]
  readonly killers: readonly Killer[]
  /** Of all trials (`KILL_TRIALS`). */
  readonly share: number
}

/** What one kind of hosts adds to the matrix. */
interface Part {
  readonly seed: number
  readonly results: readonly TrialResult[]
}

/**
 * Whatever dies, nothing is left behind. Faults on real hosts, of which the runner, the worker, sshd, the network to the host or
 * the host itself is killed at a random instant of arming, injection, confirmation or healing: when the lease is over, every host
 * is as it was, and a sweep finds no more than files.
 *
 * `npm run kill-matrix` runs all of it (`KILL_TRIALS`, default 220 there; a small sample otherwise) and stores the matrix in
 * `.failover/kill-matrix/` and `.failover/kill-matrix.md`. `KILL_SEED` repeats a run.
 * @returns the ground, for further tests in the same `describe`
 */
export function killMatrixOn(options: KillGround): () => Ground & { readonly places: Places } {
  const { name, share, kinds, killers, ttlMs, slackMs } = options
  const bed = needsBed(options.needs, async () => {
    const machines = await options.start()
    const ground = await bedGround(name, machines, options.realDisk, { ttlMs, slackMs })
    return { ground, [Symbol.asyncDispose]: () => machines[Symbol.asyncDispose]() }
  })
  const results: TrialResult[] = []
  const usual = new Map<string, number>()

  /** Runs a trial and keeps its result; the time of the undisturbed fault is measured once per kind. */
  async function judge({ ground }: ReturnType<typeof bed>, planned: PlannedTrial): Promise<TrialResult> {
    const trial = { ...planned, ...faultOf(planned.kind, ground.places) }
    for (let attempt = 1; ; attempt++) {
      try {
        const usualMs = usual.get(trial.kind) ?? (await usualTime(ground, trial))
        usual.set(trial.kind, usualMs)
        const result = await runTrial(ground, trial, usualMs)
        results.push(result)
        return result
      } catch (error) {
        // There was no trial: a busy machine could not confirm a fault that nobody had disturbed. What was left would be a result.
        if (attempt === 3 || !(error instanceof NoTrialError)) throw error
        process.stderr.write(`${trial.kind} on ${ground.name} is tried again: ${error.message}\n`)
      }
    }
  }

  afterAll(() => {
    if (results.length === 0) return
    const part: Part = { seed: SEED, results }
    const text = keepMatrix('kill-matrix', name, part, summary)
    process.stdout.write(`\n${text}`)
  })

  const count = Math.max(1, Math.round(TRIALS * share))
  const trials = planTrials(kinds, killers, count, SEED).map((trial, nth) => ({ nth: nth + 1, ...trial }))
  it.each(trials)('$nth: $kind, $killer: nothing is left', async (trial) => {
    const result = await judge(bed(), trial)
    expect(result.left, `last said: ${result.killedAfter}, instant ${result.instant}, seed ${SEED}`).toEqual([])
  })
  return () => bed().ground
}

function summary(parts: readonly Part[]): string {
  const results = parts.flatMap((part) => part.results)
  const left = results.filter((result) => result.left.length > 0).length
  const seeds = [...new Set(parts.map(({ seed }) => seed))].join(', ')
  return `Kill matrix, seed ${seeds}: ${results.length} trials, ${left} left something.\n\n${renderMatrix(results)}`
}
