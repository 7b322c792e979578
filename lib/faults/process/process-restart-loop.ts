import { z } from 'zod'
import { eventually, formatMs, toMs } from '../../core/index.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { killsAgain } from './kill-again.ts'
import { awaitsSecond, loopParams, type RestartLoopOptions } from './pe-restart-loop.ts'
import { afterLoop, stepsOf } from './process-kept-down.ts'
import { restartShape, whoRestarts, type KillOptions } from './process-kill.ts'
import { allGone } from './process-states.ts'
import {
  asParams,
  findTarget,
  inWords,
  namesOnePlace,
  ONE_PLACE,
  processName,
  processShape,
  type ProcessTarget,
} from './process-target.ts'

/** Processes that a pattern finds are killed again and again. */
export const processRestartLoopKind = defineFault({
  kind: 'process-restart-loop',
  summary:
    'A process that a pattern finds on a host is killed (SIGKILL) again and again; between the kills others start it again.',
  params: z.strictObject({ ...processShape, ...loopParams, ...restartShape }).refine(namesOnePlace, ONE_PLACE),
  capabilities: ['processes'],
  blastRadius: 'process',
  target: (params) => processName(params),
  affects: ({ dc }) => dc,

  survey: (context, params) => findTarget(context, params, { alone: true }),

  plan: (context, params, found) => ({
    steps: stepsOf(context, params, found),
    effect: `Killed every ${formatMs(toMs(params.every))}${params.times === undefined ? ' until this is healed' : `, ${params.times} times in all`}: ${inWords(found.all)}. ${whoRestarts(params.restart)}`,
    outage: [],
  }),

  async confirm(context, params, found) {
    await allGone(context, found)
    const hosts = found.hosts.map(({ host }) => host)
    const evidence = { killed: found.all.map(({ host, pid }) => `${host} ${pid}`) }
    if (!awaitsSecond(params)) {
      await killsAgain(context, hosts)
      return { evidence }
    }
    const again = await eventually(
      async () => {
        const count = await killsAgain(context, hosts)
        return count > 0 ? { done: true, value: count } : { done: false, seen: 'nothing has started it again yet' }
      },
      {
        within: '25s',
        every: '100ms',
        signal: context.signal,
        describe: 'it to be started again and killed a second time',
      },
    )
    return { evidence: { ...evidence, killedAgain: again.value } }
  },

  stillOn: async (context, _params, found) =>
    void (await killsAgain(
      context,
      found.hosts.map(({ host }) => host),
    )),

  confirmHealed: (context, { pattern, restart }, found) => afterLoop(context, found, pattern, restart !== undefined),
})

/**
 * Kills a process that a pattern finds every so often, by a process of its host, until it is healed or has been killed `times` times.
 * @example processRestartLoop({ host: 'east-app1', pattern: 'streams-rest( |$)' }, { every: '10s', times: 3 })
 */
export function processRestartLoop(target: ProcessTarget, options: RestartLoopOptions & KillOptions): Fault {
  const { every, times, restart } = options
  return processRestartLoopKind.with({
    ...asParams(target),
    every,
    ...(times === undefined ? {} : { times }),
    ...(restart ? { restart: [...restart] } : {}),
  })
}
