import { z } from 'zod'
import { pause } from '../../core/index.ts'
import { defineFault } from '../define-fault.ts'
import type { Confirmation, Fault, FaultContext, FaultPlan, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { findProcesses, listed } from './find.ts'
import { killAgain, killsAgain } from './kill-again.ts'
import { restartShape, whoRestarts, type KillOptions } from './process-kill.ts'
import type { RestartLoopOptions } from './pe-restart-loop.ts'
import { SIGNAL_SCRIPT } from './process-script.ts'
import { afterKill, allGone } from './process-states.ts'
import {
  asParams,
  findTarget,
  inWords,
  namesOnePlace,
  ONE_PLACE,
  processName,
  processShape,
  restartUndo,
  triples,
  type FoundProcesses,
  type ProcessTarget,
} from './process-target.ts'
import { noWorkers } from './worker.ts'

/** Processes that a pattern finds are killed, and again whenever they are started again. */
export const processKeptDownKind = defineFault({
  kind: 'process-kept-down',
  summary:
    'A process that a pattern finds on a host is killed (SIGKILL), and again as soon as it has been started again.',
  params: z.strictObject({ ...processShape, ...restartShape }).refine(namesOnePlace, ONE_PLACE),
  capabilities: ['processes'],
  blastRadius: 'process',
  target: (params) => processName(params),
  affects: ({ dc }) => dc,

  survey: (context, params) => findTarget(context, params, { alone: true }),

  plan: (context, params, found) => ({
    steps: stepsOf(context, params, found),
    effect: `Gone: ${inWords(found.all)}, and what matches again is killed until this is healed. ${whoRestarts(params.restart)}`,
    outage: [],
  }),

  async confirm(context, { pattern }, found) {
    await allGone(context, found)
    const hosts = found.hosts.map(({ host }) => host)
    const killedAgain = await killsAgain(context, hosts)
    await noneStays(context, hosts, pattern)
    return { evidence: { killed: found.all.map(({ host, pid }) => `${host} ${pid}`), killedAgain } }
  },

  async stillOn(context, { pattern }, found) {
    const hosts = found.hosts.map(({ host }) => host)
    await killsAgain(context, hosts)
    await noneStays(context, hosts, pattern)
  },

  confirmHealed: (context, { pattern, restart }, found) => afterLoop(context, found, pattern, restart !== undefined),
})

/** Kill steps and workers for the processes of a target. */
export function stepsOf(
  context: PlanContext,
  params: { readonly pattern: string; readonly restart?: readonly string[] } & Partial<RestartLoopOptions>,
  found: FoundProcesses,
): FaultPlan['steps'] {
  const { pattern, restart, every, times } = params
  return found.hosts.flatMap(({ host, processes }) => {
    const programs = new Set(processes.map(({ program }) => program))
    const [program = ''] = programs.size === 1 ? programs : []
    return [
      {
        host,
        do: { command: { script: SIGNAL_SCRIPT, args: ['KILL', ...triples(processes, { marks: true })] } },
        undo: restartUndo(context, host, pattern, restart),
      },
      killAgain(context, host, {
        pattern,
        // Somebody who looks for the process has the pattern on the command line, too, and runs another program.
        program,
        commandLine: '',
        mark: '',
        ...(every === undefined ? {} : { every }),
        ...(times === undefined ? {} : { times }),
      }),
    ]
  })
}

/** After the undo of a loop: no worker of ours, and see {@link afterKill}. */
export async function afterLoop(
  context: FaultContext,
  found: FoundProcesses,
  pattern: string,
  restarted: boolean,
): Promise<Confirmation> {
  for (const { host } of found.hosts) await noWorkers(context, host)
  return afterKill(context, found, pattern, restarted)
}

/** What is started again is gone at the next look at the latest: the same process is never seen twice. */
async function noneStays(context: FaultContext, hosts: readonly string[], pattern: string): Promise<void> {
  const look = async () =>
    (await Promise.all(hosts.map((host) => findProcesses(context, host, pattern, { brief: true })))).flatMap(
      ({ matches }) => matches,
    )
  const first = await look()
  if (first.length === 0) return
  await pause(1000, context.signal)
  const second = await look()
  const stays = first.filter((one) =>
    second.some(({ host, pid, start }) => host === one.host && pid === one.pid && start === one.start),
  )
  if (stays.length === 0) return
  throw new FaultTargetError(`It runs again and is not killed:\n${listed(stays)}`)
}

/**
 * Kills a process that a pattern finds, and again as soon as something has started it again, by a process of its host that ends with
 * the fault's lease. Only what runs the same program is killed again.
 * @example processKeptDown({ host: 'east-app1', pattern: 'streams-rest( |$)' })
 */
export function processKeptDown(target: ProcessTarget, options: KillOptions = {}): Fault {
  return processKeptDownKind.with({
    ...asParams(target),
    ...(options.restart ? { restart: [...options.restart] } : {}),
  })
}
