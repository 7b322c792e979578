import { now, withDeadline, type Duration, type Interval } from '../core/index.ts'
import { commandLine, type RunResult } from '../hosts/index.ts'
import type { FaultContext, FaultPlan, FaultStep, InjectedSteps } from './definition.ts'
import { FaultFailedError } from './errors.ts'

/**
 * Does the steps of a plan, one after the other, and stops at the first that fails.
 * @throws FaultFailedError with what a failing command said
 */
export async function runSteps(plan: FaultPlan, context: FaultContext, within: Duration): Promise<InjectedSteps> {
  const done: { readonly at: Interval; readonly result?: RunResult }[] = []
  const earliest = now()
  for (const step of plan.steps) done.push(await runStep(step, context, within))
  return { at: { earliest: done[0]?.at.earliest ?? earliest, latest: done.at(-1)?.at.latest ?? earliest }, steps: done }
}

async function runStep(
  step: FaultStep,
  context: FaultContext,
  within: Duration,
): Promise<{ readonly at: Interval; readonly result?: RunResult }> {
  const action = step.do
  if ('call' in action) {
    const earliest = now()
    await withDeadline((signal) => action.run({ ...context, signal }), {
      within,
      signal: context.signal,
      describe: action.call,
    })
    return { at: { earliest, latest: now() } }
  }
  const result = await context.shell(step.host).run(action.command, { within, signal: context.signal })
  if (result.code !== 0) {
    throw new FaultFailedError(
      `${commandLine(action.command)} ended with ${result.signal ?? `code ${result.code}`}: ${`${result.stderr}${result.stdout}`.trim() || 'it said nothing'}.`,
    )
  }
  return { at: { earliest: result.sentAt, latest: result.doneAt }, result }
}
