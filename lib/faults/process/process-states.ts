import { eventually } from '../../core/index.ts'
import type { Confirmation, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { findProcesses, listed, type FoundProcess } from './find.ts'
import { OBSERVE_SCRIPT } from './process-script.ts'
import type { FoundProcesses } from './process-target.ts'

/** A process as it was seen twice, a fifth of a second apart: `T…` stopped, `gone`, else a state of the system; CPU time. */
export interface Observed {
  readonly process: FoundProcess
  readonly states: readonly [string, string]
  readonly cpu: readonly [string, string]
}

/** Looks at processes twice. */
export async function observeAll(context: FaultContext, found: FoundProcesses): Promise<readonly Observed[]> {
  const perHost = await Promise.all(
    found.hosts.map(async ({ host, processes }) => {
      const command = { script: OBSERVE_SCRIPT, args: processes.flatMap(({ pid, start }) => [pid, start]) }
      const said = await context.shell(host).run(command, { within: '30s', signal: context.signal })
      const lines = said.stdout.trim().split('\n')
      const at = (index: number): readonly [string, string] => {
        const [state = 'gone', cpu = ''] = (lines[index] ?? '').split(' ')
        return [state === '' ? 'gone' : state, cpu]
      }
      return processes.map((process, index) => {
        const [first, second] = [at(index), at(index + processes.length)]
        return { process, states: [first[0], second[0]], cpu: [first[1], second[1]] } as const
      })
    }),
  )
  return perHost.flat()
}

/** @throws FaultTargetError if one of the processes is not stopped, or uses CPU all the same */
export async function allStopped(context: FaultContext, found: FoundProcesses): Promise<void> {
  const seen = await observeAll(context, found)
  const others = seen.filter(({ states, cpu }) => !states.every((state) => /^[Tt]/.test(state)) || cpu[0] !== cpu[1])
  if (others.length === 0) return
  const states = others.map(({ states }) => states.join(', then ')).join('; ')
  throw new FaultTargetError(`Not stopped (${states}):\n${listed(others.map(({ process }) => process))}`)
}

/** @throws FaultTargetError if one of the processes is still there */
export async function allGone(context: FaultContext, found: FoundProcesses): Promise<void> {
  const left = (await observeAll(context, found)).filter(({ states }) => states[1] !== 'gone')
  if (left.length === 0) return
  throw new FaultTargetError(`Still there:\n${listed(left.map(({ process }) => process))}`)
}

/**
 * What is left of a kill after its undo. With a command that restarts, waits until a process matches again on each host; without, who
 * runs the process must start it, and only what there is now is told.
 */
export async function afterKill(
  context: FaultContext,
  found: FoundProcesses,
  pattern: string,
  restarted: boolean,
): Promise<Confirmation> {
  const count = async (): Promise<number[]> =>
    Promise.all(
      found.hosts.map(
        async ({ host }) => (await findProcesses(context, host, pattern, { brief: true })).matches.length,
      ),
    )
  if (!restarted) return { evidence: { matching: await count(), restart: 'left to who runs the process' } }
  const back = await eventually(
    async () => {
      const counts = await count()
      return counts.every((each) => each > 0)
        ? { done: true, value: counts }
        : { done: false, seen: `${counts.join(', ')} processes match ${pattern}` }
    },
    {
      within: '30s',
      every: '200ms',
      signal: context.signal,
      describe: `a process that matches ${pattern} to run again`,
    },
  )
  return { evidence: { matching: back.value, restart: 'by the command given' } }
}
