import { describe, it } from 'vitest'
import { defects } from '../../lib/lab/defects.ts'
import { runDrills } from './run-drills.ts'

/** The specs that give a defect the occasion to show. Where nothing is said it is the crash. */
const OCCASION: Readonly<Record<string, { readonly spec: string; readonly test?: string }>> = {
  'never-reconverges': { spec: 'data-center-crash.spec.ts', test: 'rejoins' },
  'slow-return': { spec: 'data-center-crash.spec.ts', test: 'rejoins' },
}

describe.concurrent('a planted defect turns a run red, for its own reason', () => {
  it.for(defects.map((defect) => ({ ...defect, ...OCCASION[defect.name] })))(
    '$name is caught by $caughtBy',
    { timeout: 120_000 },
    async ({ name, caughtBy, spec = 'data-center-crash.spec.ts', test = 'is taken over' }, { expect }) => {
      using run = await runDrills([spec], { args: ['-t', test], env: { FAILOVER_LAB_DEFECT: name } })
      expect(run.exitCode, run.output).not.toBe(0)
      const drill = run.report?.drills[0]
      expect(drill?.verdict, run.output).not.toBe('pass')
      const red = [...(drill?.checks ?? []), ...(drill?.gates ?? [])].filter(({ verdict }) => verdict !== 'pass')
      // Tuples that a full buffer dropped are unknown, never lost; everything else is caught outright.
      const verdict = name === 'tap-overruns' ? 'inconclusive' : 'fail'
      expect(red, run.output).toContainEqual(expect.objectContaining({ name: caughtBy, verdict }))
      // The reader of the console is told as well.
      expect(run.output).toContain(name)
    },
  )
})
