import { messageOf, now, redact, withDeadline, type Duration, type Interval } from '../core/index.ts'
import { commandLine, type RunResult } from '../hosts/index.ts'
import type { FaultContext, FaultPlan, FaultStep, InjectedSteps } from './definition.ts'
import { FaultFailedError } from './errors.ts'

interface StepDone {
  readonly at: Interval
  readonly result?: RunResult
}

/** What became of a step of a plan: `begun` is one whose end nobody knows, so it may have been done. */
type StepOutcome = 'done' | 'begun' | 'failed' | 'not begun'

/**
 * Does the steps of a plan: one after the other, or those of different hosts side by side where the plan says so. A host stops at
 * its first step that fails.
 * @throws FaultFailedError with what a failing command said, and which steps were done
 */
export async function runSteps(plan: FaultPlan, context: FaultContext, within: Duration): Promise<InjectedSteps> {
  const { steps } = plan
  const done: (StepDone | undefined)[] = steps.map(() => undefined)
  const outcomes: StepOutcome[] = steps.map(() => 'not begun')
  const from = now()
  const run = async (indexes: readonly number[]): Promise<void> => {
    for (const index of indexes) {
      const step = steps[index]
      if (!step) continue
      outcomes[index] = 'begun'
      try {
        done[index] = await runStep(step, context, within)
        outcomes[index] = 'done'
      } catch (error) {
        if (error instanceof FaultFailedError) outcomes[index] = 'failed'
        throw new FaultFailedError(`Step ${index + 1} of ${steps.length}, on ${step.host}: ${messageOf(error)}`, {
          cause: error,
        })
      }
    }
  }
  const ended = await Promise.allSettled(lanesOf(plan).map(run))
  const failures = ended.flatMap((end): unknown[] => (end.status === 'rejected' ? [end.reason] : []))
  if (failures.length > 0) {
    throw new FaultFailedError(`${failures.map(messageOf).join(' ')} ${progressOf(steps, outcomes)}`, {
      cause: failures[0] instanceof Error ? failures[0].cause : failures[0],
      details: { steps: steps.map((step, i) => ({ host: step.host, does: describeStep(step), outcome: outcomes[i] })) },
    })
  }
  const all = done.filter((step) => step !== undefined)
  const earliest = all.length > 0 ? Math.min(...all.map(({ at }) => at.earliest)) : from
  const latest = all.length > 0 ? Math.max(...all.map(({ at }) => at.latest)) : from
  return { at: { earliest, latest }, steps: all }
}

/** Indexes of the steps that follow each other: all of them, or those of each host. */
function lanesOf({ steps, atOnce = false }: FaultPlan): readonly (readonly number[])[] {
  const lanes = new Map<string, number[]>()
  steps.forEach(({ host }, index) => {
    const lane = atOnce ? host : ''
    lanes.set(lane, [...(lanes.get(lane) ?? []), index])
  })
  return [...lanes.values()]
}

function progressOf(steps: readonly FaultStep[], outcomes: readonly StepOutcome[]): string {
  const listed = (outcome: StepOutcome): string =>
    steps
      .flatMap((step, i) => (outcomes[i] === outcome ? [`${i + 1} on ${step.host} (${describeStep(step)})`] : []))
      .join(', ')
  const [done, begun] = [listed('done'), listed('begun')]
  return `Steps done before: ${done || 'none'}.${begun ? ` Perhaps done: ${begun}.` : ''}`
}

/** What a step does, in one line for people. */
export function describeStep({ do: action }: Pick<FaultStep, 'do'>): string {
  return shorten('call' in action ? action.call : commandLine(action.command))
}

async function runStep(step: FaultStep, context: FaultContext, within: Duration): Promise<StepDone> {
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
      `${describeStep(step)} ended with ${result.signal ?? `code ${result.code}`}: ${redact(`${result.stderr}${result.stdout}`.trim()) || 'it said nothing'}.`,
    )
  }
  return { at: { earliest: result.sentAt, latest: result.doneAt }, result }
}

function shorten(text: string): string {
  const line = redact(text).replaceAll(/\s+/g, ' ')
  return line.length > 160 ? `${line.slice(0, 160)}…` : line
}
