import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { instead, openFaultBench, type FaultBench } from '../../tests/fault-bench.ts'
import { FaultNotConfirmedError, flapping, type Fault } from '../faults/index.ts'

let bench: FaultBench

beforeAll(async () => {
  bench = await openFaultBench()
})
afterAll(() => bench?.[Symbol.asyncDispose]())

/** A link that flaps by a worker whose program is changed. */
function flappingBy(change: (program: string) => string): Fault {
  return instead(flapping('east', 'west', { down: '1s', up: '4s' }), (plan) => ({
    ...plan,
    steps: plan.steps.map((step) => {
      if (!('command' in step.do) || !('script' in step.do.command)) throw new Error('the worker is no script')
      const [program = '', ...args] = step.do.command.args ?? []
      const changed = change(program)
      if (changed === program) throw new Error('the program has nothing to change')
      return { ...step, do: { command: { ...step.do.command, args: [changed, ...args] } } }
    }),
  }))
}

describe('the worker of a flapping link', () => {
  it('may tell of a turn later than the link is up', async () => {
    const { engine } = bench.engine()
    const fault = await engine.inject(flappingBy((program) => program.replace('count=$((count + 1));', 'sleep 2; $&')))
    expect(fault.evidence).toMatchObject({ turns: { runner: 1 } })
    await fault.heal()
    expect(engine.doubts).toEqual([])
  })

  it('is not believed where it never tells of one', async () => {
    const { engine } = bench.engine()
    const silent = flappingBy((program) => program.replace('told.$name', 'kept.$name'))
    await expect(engine.inject(silent)).rejects.toThrow(FaultNotConfirmedError)
    expect(engine.doubts.join()).toMatch(/the worker of each host to tell.*0 on runner/s)
    expect(bench.leases()).toEqual([])
  })
})
